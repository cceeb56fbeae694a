#include "worker/spares.h"

#include <signal.h>
#include <unistd.h>

static bool same(const struct seal_limits *a, const struct seal_limits *b)
{
    return a->data_bytes == b->data_bytes && a->cpu_s == b->cpu_s && a->threads == b->threads &&
           a->files == b->files;
}

bool spares_take(struct spares *spares, const struct seal_limits *limits, struct newborn *ret_newborn)
{
    if (!spares->wanted || !same(&spares->limits, limits))
        spares_drop(spares);
    spares->limits = *limits;
    spares->wanted = true;
    if (spares->count == 0)
        return false;
    *ret_newborn = spares->waiting[--spares->count];
    return true;
}

bool spares_lacking(const struct spares *spares)
{
    return spares->wanted && spares->count < SPARES_MAX;
}

void spares_add(struct spares *spares, const struct newborn *newborn)
{
    spares->waiting[spares->count++] = *newborn;
}

void spares_forget(struct spares *spares, pid_t pid)
{
    for (int i = 0; i < spares->count; i++)
        if (spares->waiting[i].pid == pid) {
            close(spares->waiting[i].handoff);
            spares->waiting[i] = spares->waiting[--spares->count];
        }
}

void spares_drop(struct spares *spares)
{
    while (spares->count > 0) {
        const struct newborn *newborn = &spares->waiting[--spares->count];
        kill(newborn->pid, SIGKILL);
        close(newborn->handoff);
    }
}

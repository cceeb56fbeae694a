/* worker_place.c: moves a worker to where placement.h wants it, sched_setaffinity(2). What cannot be done is
 * left: it is slower, and nothing else. */
#include "dispatcher/worker_internal.h"

#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* The cores that this process may use: a worker may use no others. Read each time, for a cpuset may change.
 */
static int own_cpus(cpu_set_t *ret_cpus)
{
    CPU_ZERO(ret_cpus);
    return sched_getaffinity(0, sizeof *ret_cpus, ret_cpus) < 0 ? -errno : CPU_COUNT(ret_cpus);
}

bool worker_places(void)
{
    cpu_set_t cpus;
    return own_cpus(&cpus) > 1;
}

/* Threads that were begun meanwhile would stay where they are. */
static bool may_move(const struct worker *w)
{
    return w->io->places && w->pid > 0 && w->revision->manifest->limit_threads == 1;
}

static void move(struct worker *w, int cpu)
{
    cpu_set_t cpus;
    if (cpu == PLACEMENT_AS_IT_IS)
        return;
    if (cpu == PLACEMENT_ANYWHERE) {
        if (own_cpus(&cpus) < 0)
            return;
    } else {
        CPU_ZERO(&cpus);
        CPU_SET(cpu, &cpus);
    }
    if (sched_setaffinity(w->pid, sizeof cpus, &cpus) == 0 || errno == ESRCH)
        return;
    log_debug("workers stay on the cores that the kernel finds for them: %s", strerror(errno));
    w->io->places = false;
}

void worker_place(struct worker *w)
{
    struct placement *p = &w->placement;
    if (w->state != WS_BUSY || !may_move(w))
        return;
    int cpu = sched_getcpu();
    move(w, placement_next(p, w->head_since_ns, w->load, w->window.service_ns, cpu < CPU_SETSIZE ? cpu : -1));
    uint64_t look_ns = p->cpu == PLACEMENT_ANYWHERE ? CLOCK_NEVER : w->head_since_ns + PLACEMENT_LOOK_NS;
    if (look_ns < w->timer_at_ns)
        worker_arm(w, look_ns);
}

uint64_t worker_look_at_place(struct worker *w, uint64_t now_ns)
{
    if (w->placement.cpu == PLACEMENT_ANYWHERE)
        return CLOCK_NEVER;
    move(w, placement_look(&w->placement, now_ns - w->head_since_ns));
    return w->placement.cpu == PLACEMENT_ANYWHERE ? CLOCK_NEVER : now_ns + PLACEMENT_LOOK_NS;
}

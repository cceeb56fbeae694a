#include "dispatcher/spares.h"

#include "dispatcher/worker_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void on_timer(uv_timer_t *timer);

void spares_init(struct worker_io *io)
{
    uv_timer_init(io->loop, &io->spares.timer);
    uv_unref((uv_handle_t *)&io->spares.timer);
    io->spares.timer.data = io;
}

static bool same(const struct birthplace *p, const struct birthplace *q)
{
    const struct seal_limits *a = &p->limits, *b = &q->limits;
    return a->data_bytes == b->data_bytes && a->cpu_s == b->cpu_s && a->threads == b->threads &&
           a->files == b->files && a->file_bytes == b->file_bytes && p->cgroup == q->cgroup;
}

static void discard(struct worker_io *io, struct worker *w)
{
    io->spares.dying++;
    zygote_kill(io->zygote, &w->child);
}

static void empty(struct worker_io *io, struct spare_shape *shape)
{
    while (shape->count > 0)
        discard(io, shape->waiting[--shape->count]);
}

/* The shape of this place, moved to the front; the one that was asked for the longest time ago makes room.
 */
static struct spare_shape *use_shape(struct worker_io *io, const struct birthplace *place)
{
    struct spares *s = &io->spares;
    struct spare_shape found = {.place = *place};
    int i = 0;
    while (i < s->shape_count && !same(&s->shapes[i].place, place))
        i++;
    if (i < s->shape_count)
        found = s->shapes[i];
    else if (s->shape_count < SPARES_SHAPES)
        s->shape_count++;
    else
        empty(io, &s->shapes[--i]);
    memmove(&s->shapes[1], &s->shapes[0], (size_t)i * sizeof *s->shapes);
    s->shapes[0] = found;
    return &s->shapes[0];
}

/* Nothing is due from a spare: what it says is that it could not be sealed, or its end. The next one says it
 * to somebody. */
static bool is_silent(const struct worker *w)
{
    char byte;
    return recv(w->channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

struct worker *spares_take(struct worker_io *io, const struct birthplace *place)
{
    if (!io->spares.kept)
        return NULL;
    struct spare_shape *shape = use_shape(io, place);
    uv_timer_start(&io->spares.timer, on_timer, SPARES_DELAY_MS, 0);
    while (shape->count > 0) {
        struct worker *w = shape->waiting[--shape->count];
        if (is_silent(w))
            return w;
        discard(io, w);
    }
    return NULL;
}

/* A cgroup that is gone has taken its spares along. */
static void forget_lost_cgroups(struct worker_io *io)
{
    struct spares *s = &io->spares;
    for (int i = s->shape_count - 1; i >= 0; i--) {
        if (cgroups_have(io->cgroups, s->shapes[i].place.cgroup))
            continue;
        empty(io, &s->shapes[i]);
        s->shape_count--;
        memmove(&s->shapes[i], &s->shapes[i + 1], (size_t)(s->shape_count - i) * sizeof *s->shapes);
    }
}

/* One of each first. NULL: nothing is missing. */
static struct spare_shape *find_lacking(struct spares *s)
{
    for (int i = 0; i < s->shape_count; i++)
        if (s->shapes[i].count < SPARES_OF_OTHERS)
            return &s->shapes[i];
    return s->shape_count && s->shapes[0].count < SPARES_OF_LATEST ? &s->shapes[0] : NULL;
}

static bool order(struct worker_io *io, struct spare_shape *shape)
{
    static const struct grants none;
    const struct worker_terms terms = {.zygote = io->zygote, .place = &shape->place, .grants = &none};
    if (worker_order(io, &terms, &shape->waiting[shape->count]) < 0)
        return false;
    shape->count++;
    return true;
}

/* One a turn: it takes time from everybody. If there is none to be had, there will be another occasion. Once
 * no spare is missing, what other workers will be born with. */
static void on_timer(uv_timer_t *timer)
{
    struct worker_io *io = timer->data;
    forget_lost_cgroups(io);
    struct spare_shape *shape = find_lacking(&io->spares);
    if (shape ? order(io, shape) : kits_add(&io->kits))
        uv_timer_start(timer, on_timer, SPARES_DELAY_MS, 0);
}

static bool remove_waiting(struct spare_shape *shape, const struct worker *w)
{
    for (int i = 0; i < shape->count; i++)
        if (shape->waiting[i] == w) {
            shape->waiting[i] = shape->waiting[--shape->count];
            return true;
        }
    return false;
}

void spares_forget(struct worker_io *io, const struct worker *w)
{
    struct spares *s = &io->spares;
    bool was_waiting = false;
    for (int i = 0; i < s->shape_count; i++)
        was_waiting |= remove_waiting(&s->shapes[i], w);
    if (!was_waiting)
        s->dying--;
    else if (!io->closed)
        uv_timer_start(&s->timer, on_timer, SPARES_PAUSE_MS, 0);
    worker_io_check_end(io);
}

void spares_close(struct worker_io *io)
{
    uv_timer_stop(&io->spares.timer);
    for (int i = 0; i < io->spares.shape_count; i++)
        empty(io, &io->spares.shapes[i]);
    io->spares.shape_count = 0;
    kits_close(&io->kits);
}

bool spares_are_gone(const struct worker_io *io)
{
    return io->spares.dying == 0;
}

/* worker_births.c: where worker processes come from: the zygote, or who stands in its place. */
#include "dispatcher/worker_internal.h"

void worker_io_use_births(struct worker_io *io, const struct worker_births *births, void *user)
{
    io->births = births;
    io->births_user = user;
}

int worker_bear(struct worker *w, const struct worker_terms *terms, const int fds[ZYGOTE_FDS_MAX])
{
    if (w->io->births)
        return w->io->births->bear(w->io->births_user, &w->child, fds, terms->revision);
    return zygote_fork(terms->zygote, &w->child, fds, &terms->place->limits, terms->grants, !terms->revision);
}

void worker_kill_process(struct worker *w)
{
    if (w->io->births)
        w->io->births->kill(w->io->births_user, &w->child);
    else
        zygote_kill(w->zygote, &w->child);
}

/* fake_worker.h: what a fake zygote forks: a process that plays the script whose name its handler fd holds.
 */
#ifndef TESTS_UNIT_FAKE_WORKER_H
#define TESTS_UNIT_FAKE_WORKER_H

#include "shared/wire.h"

/* Plays, then stays alive until it is killed. */
_Noreturn void fake_worker_main(const int fds[ZYGOTE_FD_COUNT], int handler);

#endif

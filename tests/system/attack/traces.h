/* traces.h: what a hark holds, so that a test can tell whether an attack left anything behind. */
#ifndef TESTS_ATTACK_TRACES_H
#define TESTS_ATTACK_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct traces {
    size_t processes;   /* that descend from hark, without the spares */
    size_t spares;      /* workers that wait for a function */
    size_t descriptors; /* of hark and its zygote, without those for spares; 0: the kernel does not show them
                         * to this user */
    size_t memfds;      /* among them */
    char names[512];    /* of the processes */
};

/* Of a hark at rest: waits until its zygote keeps that many spare workers. Fails the test when it does not.
 */
struct traces traces_at_rest(pid_t hark, size_t spares);

/* Waits until it holds no more than it did; false: the deadline came first. */
bool traces_return_to(pid_t hark, const struct traces *before, struct traces *ret_now);

/* The descendant of hark with that name (comm), the next of kin first, or 0: spare workers are named like
 * their zygote. */
pid_t traces_find(pid_t hark, const char *name);

/* From now on, whoever loses its parent below this process becomes its child. */
void traces_adopt_orphans(void);

/* All children but `except`, which have one second to end: how many did not. Those are killed. */
size_t traces_orphans(pid_t except);

/* Files that match the pattern, glob(7). */
size_t traces_files(const char *pattern);

#endif

/* fork_into.h: fork(2) of a process with one thread, whose child is born in another cgroup: clone3(2) with
 * CLONE_INTO_CGROUP (Linux 5.7).
 *
 * A child that moved itself there by cgroup.procs would do as well, but a move stops every fork of the
 * machine until it is over, which takes milliseconds; to be born there takes none. The price is to go past
 * fork(3): what that would do for a child of one thread is done here, see the code. */
#ifndef HARK_SHARED_FORK_INTO_H
#define HARK_SHARED_FORK_INTO_H

#include <sys/types.h>

/* `cgroup`: its folder, from open(2); O_PATH does. The pid in the parent, 0 in the child, or a negative
 * errno: -ENOSYS, -EINVAL: this kernel cannot; -EACCES: we may not write cgroup.procs there, or in the
 * nearest cgroup that holds both; -EAGAIN: its pids.max; -ENODEV: it was removed. */
pid_t fork_into(int cgroup);

/* What fork_into() has to know of this thread, which it asks for if nobody did before: for who will not be
 * able to ask any more. 0 or a negative errno. */
int fork_into_prepare(void);

#endif

#include "shared/fork_into.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libc keeps the id of its thread in a word that it told the kernel of, set_tid_address(2), and expects a
 * child's there in the child; the kernel writes it with CLONE_CHILD_SETTID, as it does for fork(3). The list
 * of robust mutexes is not inherited: the child registers the same one again, which is empty. Locks and
 * handlers of pthread_atfork(3) there are none in a process that never had a second thread. */
static void *thread_id, *robust;
static size_t robust_bytes;

int fork_into_prepare(void)
{
    if (thread_id)
        return 0;
    return prctl(PR_GET_TID_ADDRESS, &thread_id) < 0 ||
                   syscall(SYS_get_robust_list, 0, &robust, &robust_bytes) < 0
               ? -errno
               : 0;
}

pid_t fork_into(int cgroup)
{
    int error = fork_into_prepare();
    if (error)
        return error;
    struct clone_args args = {.flags = CLONE_INTO_CGROUP | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
                              .child_tid = (uint64_t)(uintptr_t)thread_id,
                              .exit_signal = SIGCHLD,
                              .cgroup = (uint64_t)cgroup};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0 && robust)
        (void)syscall(SYS_set_robust_list, robust, robust_bytes);
    return pid < 0 ? -errno : (pid_t)pid;
}

/* Asks to be told of every system call of its own. */
#include "hostile.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    struct sock_filter notify[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, notify};
    return outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

#include "worker/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* uid 0 is nobody special, changing ids moves no capability, and none of this can be turned back. */
enum { BITS = SECURE_ALL_BITS & ~SECURE_ALL_LOCKS & ~(1 << SECURE_KEEP_CAPS) };

/* Of this process and those that it forks: what the kernel takes some 40 questions to tell. */
static bool bounding_set_is_empty;

int capabilities_empty_bounding_set(void)
{
    int held = 0;
    if (bounding_set_is_empty)
        return 0;
    for (int cap = 0; (held = prctl(PR_CAPBSET_READ, cap)) >= 0; cap++)
        if (held && prctl(PR_CAPBSET_DROP, cap) < 0)
            return -errno;
    bounding_set_is_empty = true;
    return 0;
}

int capabilities_enter_user_namespace(void)
{
    bounding_set_is_empty = false;
    return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

int capabilities_drop(bool *ret_emptied)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    int error = capabilities_empty_bounding_set();
    if (error && error != -EPERM)
        return error;
    *ret_emptied = !error;
    if (prctl(PR_SET_SECUREBITS, BITS | SECURE_ALL_LOCKS) < 0 && errno != EPERM)
        return -errno;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

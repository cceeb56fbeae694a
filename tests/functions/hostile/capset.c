/* Gives itself capabilities. */
#include "hostile.h"

#include <linux/capability.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    return outcome(syscall(SYS_capset, &head, all));
}

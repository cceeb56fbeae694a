#include "worker/seal.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* The sanitizer's shadow is terabytes of private mappings: no limit on them can hold. */
#if defined(__SANITIZE_ADDRESS__)
#define DATA_CAN_BE_LIMITED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DATA_CAN_BE_LIMITED 0
#endif
#endif
#ifndef DATA_CAN_BE_LIMITED
#define DATA_CAN_BE_LIMITED 1
#endif

enum { FILES_MAX = 64 }; /* enough for the loader and the libraries of a function */

static int limit(int resource, const char *name, uint64_t value, struct diag *why)
{
    struct rlimit both = {.rlim_cur = value, .rlim_max = value};
    if (setrlimit((__rlimit_resource_t)resource, &both) == 0)
        return 0;
    int error = -errno;
    diag_set(why, NULL, 0, 0, "cannot seal the worker: %s: %s", name, strerror(-error));
    return error;
}

static int bar_new_privileges(struct diag *why)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return 0;
    int error = -errno;
    diag_set(why, NULL, 0, 0, "cannot seal the worker: no_new_privs: %s", strerror(-error));
    return error;
}

int seal_apply(const struct seal *seal, struct diag *why)
{
    int error = 0;
    if (DATA_CAN_BE_LIMITED && seal->data_bytes)
        error = limit(RLIMIT_DATA, "RLIMIT_DATA", seal->data_bytes, why);
    if (!error)
        error = limit(RLIMIT_CORE, "RLIMIT_CORE", 0, why);
    if (!error)
        error = limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", FILES_MAX, why);
    if (!error)
        error = bar_new_privileges(why);
    return error;
}

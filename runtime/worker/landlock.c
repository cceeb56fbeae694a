#include "worker/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of the newest kernel; the one at hand may know less than the kernel that runs. */
struct ruleset {
    uint64_t fs, net, scoped;
};

enum { VERSION_QUESTION = 1 };

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif

/* What each version added. A right that is handled and not granted is denied. */
static const struct {
    uint32_t since;
    struct ruleset rights;
} history[] = {
    {1, {.fs = (1 << 13) - 1}},       /* execute, write, read, list, remove, make, all kinds */
    {2, {.fs = 1 << 13}},             /* link and rename between folders */
    {3, {.fs = 1 << 14}},             /* truncate */
    {4, {.net = 1 << 0 | 1 << 1}},    /* TCP bind, connect */
    {5, {.fs = 1 << 15}},             /* ioctl of devices */
    {6, {.scoped = 1 << 0 | 1 << 1}}, /* abstract unix sockets, signals */
};

static struct ruleset all_rights(uint32_t abi)
{
    struct ruleset all = {0};
    for (size_t i = 0; i < sizeof history / sizeof *history && history[i].since <= abi; i++) {
        all.fs |= history[i].rights.fs;
        all.net |= history[i].rights.net;
        all.scoped |= history[i].rights.scoped;
    }
    return all;
}

/* An older kernel takes a longer struct only as long as what it does not know is 0, and it is. */
int landlock_deny_all(uint32_t *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_QUESTION);
    if (abi < 0)
        return -errno;
    struct ruleset all = all_rights((uint32_t)abi);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (fd < 0)
        return -errno;
    int error = syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
    close(fd);
    *ret_abi = (uint32_t)abi;
    return error;
}

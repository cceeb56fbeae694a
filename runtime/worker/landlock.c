#include "worker/landlock.h"

#include "worker/granted.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of the newest kernel; the one at hand may know less than the kernel that runs. */
struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_rule {
    uint64_t rights;
    int32_t fd;
} __attribute__((packed));

struct port_rule {
    uint64_t rights, port;
};

enum { VERSION_QUESTION = 1, RULE_PATH = 1, RULE_PORT = 2, RIGHT_CONNECT = 1 << 1 };

/* Never execute, and never make what is neither file nor folder: devices, sockets, fifos, links. */
enum {
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_FOLDER = 1 << 3,
    REMOVE_FOLDER = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_FOLDER = 1 << 7,
    MAKE_FILE = 1 << 8,
    REFER = 1 << 13, /* link and rename between folders */
    TRUNCATE = 1 << 14,
    OF_FILES = READ_FILE | WRITE_FILE | TRUNCATE,
    TO_READ = READ_FILE | READ_FOLDER,
    TO_WRITE = TO_READ | WRITE_FILE | TRUNCATE | REMOVE_FOLDER | REMOVE_FILE | MAKE_FOLDER | MAKE_FILE | REFER
};

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

/* What each version added. A right that is handled and not granted is denied. */
static const struct {
    uint32_t since;
    struct ruleset rights;
} history[] = {
    {1, {.fs = (1 << 13) - 1}}, /* execute, write, read, list, remove, make, all kinds */
    {2, {.fs = REFER}},
    {3, {.fs = TRUNCATE}},
    {4, {.net = 1 << 0 | RIGHT_CONNECT}}, /* TCP bind, connect */
    {5, {.fs = 1 << 15}},                 /* ioctl of devices */
    {6, {.scoped = 1 << 0 | 1 << 1}},     /* abstract unix sockets, signals */
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

static int add_rule(int ruleset, int type, const void *rule)
{
    return syscall(SYS_landlock_add_rule, ruleset, type, rule, 0) < 0 ? -errno : 0;
}

/* A right of folders is refused in a rule for a file. */
static int allow_path(int ruleset, uint64_t handled, const struct grant *grant, struct diag *why)
{
    struct path_rule rule = {.rights = handled & (grant->kind == GRANT_WRITE ? TO_WRITE : TO_READ),
                             .fd = granted_open(grant, why)};
    struct stat st;
    if (rule.fd < 0)
        return rule.fd;
    int error = fstat(rule.fd, &st) < 0 ? -errno : 0;
    if (!S_ISDIR(st.st_mode))
        rule.rights &= OF_FILES;
    if (!error)
        error = add_rule(ruleset, RULE_PATH, &rule);
    close(rule.fd);
    return error;
}

/* What a socket's path leads to, landlock does not ask: it is the only one there is, see grants_refusal(). */
static int allow(int ruleset, const struct ruleset *handled, const struct grants *grants, struct diag *why)
{
    int error = 0;
    for (uint32_t i = 0; !error && i < grants->path_count; i++)
        if (grants->paths[i].kind != GRANT_UNIX)
            error = allow_path(ruleset, handled->fs, &grants->paths[i], why);
    for (uint32_t i = 0; !error && i < grants->port_count; i++)
        error = add_rule(ruleset, RULE_PORT, &(struct port_rule){RIGHT_CONNECT, grants->ports[i]});
    return error;
}

/* An older kernel takes a longer struct only as long as what it does not know is 0, and it is. The ruleset's
 * descriptor or -errno. */
static int create_ruleset(struct ruleset *ret_all, uint32_t *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_QUESTION);
    if (abi < 0)
        return -errno;
    *ret_abi = (uint32_t)abi;
    *ret_all = all_rights((uint32_t)abi);
    int fd = (int)syscall(SYS_landlock_create_ruleset, ret_all, sizeof *ret_all, 0);
    return fd < 0 ? -errno : fd;
}

int landlock_create(int above)
{
    struct ruleset all;
    uint32_t abi;
    int fd = create_ruleset(&all, &abi);
    if (fd < 0)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, above + 1);
    int error = -errno;
    close(fd);
    return moved < 0 ? error : moved;
}

int landlock_enter(int ruleset)
{
    return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

int landlock_deny_all_but(const struct grants *grants, uint32_t *ret_abi, struct diag *why)
{
    struct ruleset all = {0};
    int fd = create_ruleset(&all, ret_abi);
    if (fd < 0)
        return fd;
    int error = allow(fd, &all, grants, why);
    if (!error)
        error = landlock_enter(fd);
    close(fd);
    return error;
}

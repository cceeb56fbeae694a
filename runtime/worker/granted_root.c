#include "worker/granted_root.h"

#include "worker/granted.h"
#include "worker/root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h, which does not go together with an older sys/mount.h. */
struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};

enum {
    CLONE_TREE = 1,
    FROM_DESCRIPTOR = 4, /* MOVE_MOUNT_F_EMPTY_PATH */
    READ_ONLY = 1,
    NO_SUID_DEVICE_EXEC = 2 | 4 | 8
};

static int refuse(struct diag *why, const char *what)
{
    int error = -errno;
    diag_set(why, NULL, 0, 0, "sandbox: cannot bring in what is granted: %s: %s", what, strerror(-error));
    return error;
}

/* Every socket in a folder could be connected to: with `unix`, nothing but the named ones may be in sight. */
static int check_kind(int fd, const struct grant *grant, bool has_unix, struct diag *why)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && !(has_unix && S_ISDIR(st.st_mode)))
        return 0;
    return granted_refuse(
        why, grant, -EPERM,
        "a folder cannot be granted together with `network: { unix: … }`, for sockets in it "
        "would be open, too: grant the files that are needed");
}

/* Without what is mounted inside it: the kernel refuses to uncover what such a mount hides. */
static int clone_tree(int fd, const struct grant *grant, struct diag *why)
{
    int tree = (int)syscall(SYS_open_tree, fd, "", CLONE_TREE | O_CLOEXEC | AT_EMPTY_PATH);
    if (tree >= 0)
        return tree;
    if (errno == EINVAL)
        return granted_refuse(why, grant, -EINVAL,
                              "another file system is mounted inside it: grant the folders that are needed");
    return refuse(why, "open_tree");
}

/* A tree that is attached nowhere, or a negative errno. */
static int take_hold(const struct grant *grant, bool has_unix, struct diag *why)
{
    const struct attributes a = {.set = NO_SUID_DEVICE_EXEC | (grant->kind == GRANT_WRITE ? 0 : READ_ONLY),
                                 .propagation = MS_PRIVATE};
    int fd = granted_open(grant, why);
    if (fd < 0)
        return fd;
    int tree = check_kind(fd, grant, has_unix, why);
    if (tree == 0)
        tree = clone_tree(fd, grant, why);
    close(fd);
    if (tree >= 0 && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof a) < 0) {
        int error = refuse(why, "mount_setattr");
        close(tree);
        return error;
    }
    return tree;
}

static int take_hold_of_all(const struct grants *grants, int trees[GRANTS_PATHS_MAX], struct diag *why)
{
    bool has_unix = grants_have(grants, GRANT_UNIX);
    for (uint32_t i = 0; i < grants->path_count; i++) {
        trees[i] = take_hold(&grants->paths[i], has_unix, why);
        if (trees[i] < 0)
            return trees[i];
    }
    return 0;
}

/* How many folders and files it takes to have the path, at most. */
static unsigned count_parts(struct slice path)
{
    unsigned parts = 0;
    for (size_t i = 0; i < path.len; i++)
        parts += path.data[i] == '/';
    return parts;
}

static int enter_new_root(const struct grants *grants)
{
    unsigned inodes = 1;
    for (uint32_t i = 0; i < grants->path_count; i++)
        inodes += count_parts(grants->paths[i].path);
    return root_enter_new(inodes);
}

/* The folders above it; they are there when another grant has the same. */
static int make_parents(const struct grant *grant)
{
    char path[GRANTS_PATH_BYTES_MAX];
    memcpy(path, grant->path.data, grant->path.len + 1);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

/* What stands where the tree is to be seen: a folder for a folder, a file for all else. */
static int make_place(const struct grant *grant, int tree)
{
    struct stat st;
    int error = make_parents(grant);
    if (error || fstat(tree, &st) < 0)
        return error ? error : -errno;
    if (S_ISDIR(st.st_mode))
        return mkdir(grant->path.data, 0755) < 0 ? -errno : 0;
    int fd = open(grant->path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int attach(const struct grant *grant, int tree, struct diag *why)
{
    int error = make_place(grant, tree);
    if (!error && syscall(SYS_move_mount, tree, "", AT_FDCWD, grant->path.data, FROM_DESCRIPTOR) < 0)
        error = -errno;
    close(tree);
    errno = -error;
    return error ? refuse(why, "move_mount") : 0;
}

int granted_root_build(const struct grants *grants, const struct views *views, struct diag *why)
{
    int trees[GRANTS_PATHS_MAX];
    if (setns(views->machine, CLONE_NEWNS) < 0)
        return refuse(why, "setns");
    int error = take_hold_of_all(grants, trees, why);
    if (error)
        return error;
    if (setns(views->empty, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0)
        return refuse(why, "unshare");
    if (enter_new_root(grants) < 0)
        return refuse(why, "pivot_root");
    for (uint32_t i = 0; !error && i < grants->path_count; i++)
        error = attach(&grants->paths[i], trees[i], why);
    if (!error && root_close() < 0)
        return refuse(why, "the new root");
    return error;
}

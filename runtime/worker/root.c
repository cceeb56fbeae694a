#include "worker/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h, which does not go together with an older sys/mount.h. */
enum {
    SET_STRING = 1,
    CREATE = 6,
    CLOSE_ON_EXEC = 1,
    FROM_DESCRIPTOR = 4, /* MOVE_MOUNT_F_EMPTY_PATH */
    READ_ONLY = 1,
    ATTRIBUTES = READ_ONLY | 2 | 4 | 8, /* MOUNT_ATTR_NOSUID, _NODEV, _NOEXEC */
    CLONE_TREE = 1
};

/* Not in the headers of some machines. */
struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};

static const unsigned long FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC;

int root_empty(void)
{
    /* Private: nothing of this must travel back to the machine's own mounts. /proc as the place, because it
     * is there wherever hark can run. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("hark", "/proc", "tmpfs", FLAGS, "size=4k,nr_inodes=1,mode=555") < 0 || chdir("/proc") < 0)
        return -errno;
    /* Onto itself: the old root is then mounted over the new one, and comes off without a folder for it. */
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    return mount(NULL, "/", NULL, FLAGS | MS_REMOUNT | MS_RDONLY, "size=4k,nr_inodes=1") < 0 ? -errno : 0;
}

/* Over the old root, and then in its place; as above, the old one lies on top then and comes off. */
static int enter(int mount)
{
    if (syscall(SYS_move_mount, mount, "", AT_FDCWD, "/", FROM_DESCRIPTOR) < 0 || fchdir(mount) < 0 ||
        syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    return 0;
}

static int make_tmpfs(unsigned inodes)
{
    char count[16];
    int fs = (int)syscall(SYS_fsopen, "tmpfs", CLOSE_ON_EXEC), mounted = -1;
    if (fs < 0)
        return -errno;
    snprintf(count, sizeof count, "%u", inodes);
    if (syscall(SYS_fsconfig, fs, SET_STRING, "size", "4k", 0) == 0 &&
        syscall(SYS_fsconfig, fs, SET_STRING, "nr_inodes", count, 0) == 0 &&
        syscall(SYS_fsconfig, fs, SET_STRING, "mode", "755", 0) == 0 &&
        syscall(SYS_fsconfig, fs, CREATE, NULL, NULL, 0) == 0)
        mounted = (int)syscall(SYS_fsmount, fs, CLOSE_ON_EXEC, ATTRIBUTES & ~READ_ONLY);
    int error = -errno;
    close(fs);
    return mounted < 0 ? error : mounted;
}

int root_enter_new(unsigned inodes)
{
    int mount = make_tmpfs(inodes);
    if (mount < 0)
        return mount;
    int error = enter(mount);
    close(mount);
    errno = -error;
    return error;
}

int root_close(void)
{
    return mount(NULL, "/", NULL, FLAGS | MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0 ? -errno : 0;
}

int root_mount_proc(void)
{
    int fs = (int)syscall(SYS_fsopen, "proc", CLOSE_ON_EXEC);
    if (fs < 0)
        return -errno;
    int mounted = -1;
    (void)syscall(SYS_fsconfig, fs, SET_STRING, "subset", "pid", 0); /* Linux 5.8; nice to have */
    if (syscall(SYS_fsconfig, fs, CREATE, NULL, NULL, 0) == 0)
        mounted = (int)syscall(SYS_fsmount, fs, CLOSE_ON_EXEC, ATTRIBUTES);
    int error = -errno;
    close(fs);
    return mounted < 0 ? error : mounted;
}

/* Linux before 5.12 cannot make it read-only: there no function may write to files at all, granted_root.c. */
int root_clone_proc(void)
{
    const struct attributes a = {.set = ATTRIBUTES, .propagation = MS_PRIVATE};
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/proc", CLONE_TREE | O_CLOEXEC | AT_RECURSIVE);
    if (tree < 0)
        return -errno;
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &a, sizeof a) == 0 ||
        errno == ENOSYS)
        return tree;
    int error = -errno;
    close(tree);
    return error;
}

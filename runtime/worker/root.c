#include "worker/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h, which does not go together with an older sys/mount.h. */
enum {
    SET_STRING = 1,
    CREATE = 6,
    CLOSE_ON_EXEC = 1,
    ATTRIBUTES = 1 | 2 | 4 | 8 /* MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC */
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

#include "support/small_disk.h"

#include "shared/check.h"
#include "support/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { FILLER_PATH_MAX = 256, BLOCK = 1024 };

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return good;
}

/* The same ids as outside, so that files stay ours. */
static bool map(const char *file, unsigned id)
{
    char text[64];
    snprintf(text, sizeof text, "%u %u 1", id, id);
    return write_file(file, text);
}

static bool enter_as_user(void)
{
    unsigned user = geteuid(), group = getegid();
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
           map("/proc/self/uid_map", user) && map("/proc/self/gid_map", group);
}

bool small_disk_enter(void)
{
    bool entered = geteuid() == 0 ? unshare(CLONE_NEWNS) == 0 : enter_as_user();
    return entered && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void unmount(void *folder)
{
    umount2(folder, MNT_DETACH);
    free(folder);
}

void small_disk_mount(const char *folder, size_t kib)
{
    char options[64];
    snprintf(options, sizeof options, "size=%zuk,mode=755", kib);
    CHECK(mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0);
    at_end_of_test(unmount, strdup(folder));
}

static void filler_path(const char *folder, char *to)
{
    snprintf(to, FILLER_PATH_MAX, "%s/filler", folder);
}

void small_disk_fill(const char *folder)
{
    static const char block[BLOCK];
    char path[FILLER_PATH_MAX];
    filler_path(folder, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0);
    while (write(fd, block, sizeof block) > 0) {
    }
    CHECK(errno == ENOSPC);
    close(fd);
}

void small_disk_free(const char *folder)
{
    char path[FILLER_PATH_MAX];
    filler_path(folder, path);
    CHECK(unlink(path) == 0);
}

#include "worker/granted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/openat2.h */
struct how {
    uint64_t flags, mode, resolve;
};

enum { NO_MAGICLINKS = 0x02, NO_SYMLINKS = 0x04 };

/* Of file systems, statfs(2): procfs, cgroup, cgroup2, debugfs, tracefs, securityfs, bpf, selinux, smack,
 * apparmor, pstore, efivarfs, configfs, mqueue, binfmt_misc, devpts, nsfs, autofs. */
static const uint32_t kernel_file_systems[] = {0x9fa0,     0x27e0eb,   0x63677270, 0x64626720, 0x74726163,
                                               0x73636673, 0xcafe4a11, 0xf97cff8c, 0x43415d53, 0x5a3c69f0,
                                               0x6165676c, 0xde5e81e4, 0x62656570, 0x19800202, 0x42494e4d,
                                               0x1cd1,     0x6e736673, 0x187};

const char *granted_key(enum grant_kind kind)
{
    return kind == GRANT_UNIX ? "sandbox.network.unix" : "sandbox.files";
}

int granted_refuse(struct diag *why, const struct grant *grant, int error, const char *text)
{
    diag_set(why, NULL, 0, 0, "%s: '%.*s': %s", granted_key(grant->kind), SLICE_ARG(grant->path), text);
    return error;
}

/* Where the links lead to, as this process would find it. */
static int refuse_link(struct diag *why, const struct grant *grant)
{
    char self[64], target[PATH_MAX], text[DIAG_TEXT_MAX];
    int fd = open(grant->path.data, O_PATH | O_CLOEXEC);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t len = fd < 0 ? -1 : readlink(self, target, sizeof target);
    if (fd >= 0)
        close(fd);
    if (len > 0 && grants_path_fault(slice_make(target, (size_t)len)) == NULL)
        snprintf(text, sizeof text, "it leads through a symbolic link: write '%.*s'", (int)len, target);
    else
        snprintf(text, sizeof text, "it leads through a symbolic link: write the path without");
    return granted_refuse(why, grant, -ELOOP, text);
}

static int refuse_path(struct diag *why, const struct grant *grant, int error)
{
    char text[DIAG_TEXT_MAX];
    if (error == -ELOOP)
        return refuse_link(why, grant);
    if (error == -ENOENT || error == -ENOTDIR)
        return granted_refuse(why, grant, error, "there is no such file: make it, or take the grant out");
    if (error == -EACCES)
        return granted_refuse(
            why, grant, error,
            "the user of the functions may not go there: mind the permissions of the folders "
            "above it; `hark doctor` names that user");
    snprintf(text, sizeof text, "it cannot be opened: %s", strerror(-error));
    return granted_refuse(why, grant, error, text);
}

static bool is_of_the_kernel(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return true;
    for (size_t i = 0; i < sizeof kernel_file_systems / sizeof *kernel_file_systems; i++)
        if ((uint32_t)fs.f_type == kernel_file_systems[i])
            return true;
    return false;
}

static const char *kind_fault(enum grant_kind kind, mode_t mode)
{
    if (kind == GRANT_UNIX)
        return S_ISSOCK(mode) ? NULL : "it is no socket: name the socket that the service listens at";
    if (S_ISSOCK(mode))
        return "it is a socket: grant it with `network: { unix: [ … ] }`";
    return S_ISREG(mode) || S_ISDIR(mode) ? NULL
                                          : "it is neither a file nor a folder: devices are not granted";
}

/* By the real user id, of which no capability takes part, access(2). */
static int check_access(int fd, enum grant_kind kind, mode_t mode)
{
    int wanted = kind == GRANT_READ ? R_OK : kind == GRANT_WRITE ? R_OK | W_OK : W_OK;
    if (S_ISDIR(mode))
        wanted |= X_OK;
    return syscall(SYS_faccessat2, fd, "", wanted, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int refuse_access(struct diag *why, const struct grant *grant, int error)
{
    if (error == -EROFS)
        return granted_refuse(why, grant, error,
                              "it is on a file system that is mounted read-only: grant it with `read`");
    return granted_refuse(why, grant, error,
                          grant->kind == GRANT_READ
                              ? "the user of the functions may not read it: chmod or chgrp it; `hark doctor` "
                                "names that user"
                              : "the user of the functions may not write to it: chmod or chgrp it; `hark "
                                "doctor` names that user");
}

static int check(int fd, const struct grant *grant, struct diag *why)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return refuse_path(why, grant, -errno);
    const char *fault = kind_fault(grant->kind, st.st_mode);
    if (!fault && is_of_the_kernel(fd))
        fault = "it is in a file system by which the kernel is steered: that is not granted";
    if (fault)
        return granted_refuse(why, grant, -EPERM, fault);
    int error = check_access(fd, grant->kind, st.st_mode);
    return error ? refuse_access(why, grant, error) : 0;
}

int granted_open(const struct grant *grant, struct diag *why)
{
    const struct how how = {.flags = O_PATH | O_CLOEXEC, .resolve = NO_SYMLINKS | NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, grant->path.data, &how, sizeof how);
    if (fd < 0)
        return refuse_path(why, grant, -errno);
    int error = check(fd, grant, why);
    if (!error)
        return fd;
    close(fd);
    return error;
}

/* ---- mounts below ---- */

/* A path of mountinfo has blanks and the like as octal numbers, proc(5). Returns its length. */
static size_t unescape(char *path)
{
    char *to = path;
    for (const char *from = path; *from; to++) {
        unsigned code;
        if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1) {
            *to = (char)code;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    return (size_t)(to - path);
}

static bool holds_mount(FILE *mounts, struct slice folder)
{
    char line[2 * PATH_MAX], point[PATH_MAX * 4];
    while (fgets(line, sizeof line, mounts)) {
        if (sscanf(line, "%*d %*d %*s %*s %16383s", point) != 1)
            continue;
        size_t len = unescape(point);
        if (len > folder.len && grants_overlap(slice_make(point, len), folder))
            return true;
    }
    return false;
}

static int check_mounts(const struct grant *grant, int proc, struct diag *why)
{
    int fd = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
    FILE *mounts = fd < 0 ? NULL : fdopen(fd, "r");
    if (!mounts)
        return granted_refuse(why, grant, -EIO,
                              "it cannot be seen whether a file system is mounted inside it");
    bool found = holds_mount(mounts, grant->path);
    fclose(mounts);
    return found
               ? granted_refuse(why, grant, -EXDEV,
                                "another file system is mounted inside it: grant the folders that are needed")
               : 0;
}

int granted_check(const struct grants *grants, int proc, struct diag *why)
{
    int error = 0;
    for (uint32_t i = 0; !error && i < grants->path_count; i++) {
        int fd = granted_open(&grants->paths[i], why);
        error = fd < 0 ? fd : check_mounts(&grants->paths[i], proc, why);
        if (fd >= 0)
            close(fd);
    }
    return error;
}

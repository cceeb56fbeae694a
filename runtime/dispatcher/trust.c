#include "dispatcher/trust.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITABLE_BY_OTHERS = S_IWGRP | S_IWOTH };

static bool is_ours(const struct stat *s)
{
    return s->st_uid == 0 || s->st_uid == geteuid();
}

static const char *who_writes(const struct stat *s)
{
    bool group = s->st_mode & S_IWGRP, others = s->st_mode & S_IWOTH;
    return group && others ? "its group and everybody else" : group ? "its group" : "everybody";
}

static int fail(int error, struct diag *diag)
{
    diag_set(diag, NULL, 0, 0, "cannot be read: %s", strerror(error));
    return -error;
}

/* `of`: "it", or "it lies in /srv/x, which": what the complaint is about. */
static int refuse(const char *path, const struct stat *s, const char *of, struct diag *diag)
{
    if (!is_ours(s))
        diag_set(
            diag, NULL, 0, 0,
            "%s belongs to user %u, who is neither root nor the user running hark: chown it: chown %u %s", of,
            (unsigned)s->st_uid, (unsigned)geteuid(), path);
    else
        diag_set(diag, NULL, 0, 0, "%s can be written by %s (mode %04o): chmod go-w %s", of, who_writes(s),
                 (unsigned)(s->st_mode & 07777), path);
    return -EPERM;
}

int trust_check_opened(const char *path, const struct stat *s, struct diag *diag)
{
    return is_ours(s) && !(s->st_mode & WRITABLE_BY_OTHERS) ? 0 : refuse(path, s, "it", diag);
}

static int check_file(const char *path, struct diag *diag)
{
    struct stat s;
    if (stat(path, &s) != 0)
        return fail(errno, diag);
    return S_ISREG(s.st_mode) ? trust_check_opened(path, &s, diag) : 0;
}

static int check_folder(const char *path, struct diag *diag)
{
    struct stat s;
    char of[DIAG_TEXT_MAX];
    if (stat(path, &s) != 0)
        return fail(errno, diag);
    if (is_ours(&s) && (!(s.st_mode & WRITABLE_BY_OTHERS) || (s.st_mode & S_ISVTX)))
        return 0;
    snprintf(of, sizeof of, "it lies in %.200s, which", path);
    return refuse(path, &s, of, diag);
}

/* `path` is absolute and without links; it is cut down to / on the way. */
static int check_folders_above(char *path, struct diag *diag)
{
    int error = 0;
    for (char *slash; error == 0 && (slash = strrchr(path, '/'));) {
        slash[slash == path] = '\0';
        error = check_folder(path, diag);
        if (slash == path)
            break;
    }
    return error;
}

static int check_resolved(const char *path, struct diag *diag)
{
    char *real = realpath(path, NULL);
    if (!real)
        return fail(errno, diag);
    int error = check_file(real, diag);
    if (error == 0)
        error = check_folders_above(real, diag);
    free(real);
    return error;
}

/* The folder that the path names: who can write there can put another link in place of the one that is there.
 */
static int check_named_folder(const char *path, struct diag *diag)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char *inside = NULL;
    char *real = folder ? realpath(folder, NULL) : NULL;
    int error = errno;
    free(folder);
    if (!real)
        return fail(error, diag);
    /* a name behind it, so that the folder itself is looked at */
    error = asprintf(&inside, "%s/.", real) < 0 ? fail(ENOMEM, diag) : check_folders_above(inside, diag);
    free(inside);
    free(real);
    return error;
}

static int check_link(const char *path, struct diag *diag)
{
    struct stat s;
    if (lstat(path, &s) != 0)
        return fail(errno, diag);
    return !S_ISLNK(s.st_mode) || is_ours(&s) ? 0 : refuse(path, &s, "it is a link that", diag);
}

int trust_check(const char *path, struct diag *diag)
{
    int error = check_resolved(path, diag);
    if (error == 0)
        error = check_link(path, diag);
    return error ? error : check_named_folder(path, diag);
}

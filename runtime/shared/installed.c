#include "shared/installed.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *in_folder_of(const char *path, const char *between, const char *name)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    char *found;
    return asprintf(&found, "%.*s%s%s", folder, path, between, name) < 0 ? NULL : found;
}

char *installed_path(const char *name)
{
    const char *worker = getenv("HARK_WORKER");
    if (worker)
        return in_folder_of(worker, "", name);
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0)
        return in_folder_of("/usr/libexec/hark/", "", name);
    program[len] = '\0';
    return in_folder_of(program, "../libexec/hark/", name);
}

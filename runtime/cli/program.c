#include "cli/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *program_find_in(const char *name, const char *folders)
{
    while (*folders) {
        size_t len = strcspn(folders, ":");
        char *path;
        if (asprintf(&path, "%.*s/%s", (int)len, folders, name) < 0)
            return NULL;
        if (len > 0 && access(path, X_OK) == 0)
            return path;
        free(path);
        folders += len + (folders[len] == ':');
    }
    return NULL;
}

char *program_find(const char *name)
{
    const char *path = getenv("PATH");
    return path ? program_find_in(name, path) : NULL;
}

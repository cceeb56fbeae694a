/* zygote_program.c: what hark-worker is started by: its path, and its arguments. */
#include "dispatcher/zygote.h"

#include "shared/check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *zygote_program(void)
{
    const char *override = getenv("HARK_WORKER");
    if (override)
        return strdup(override);
    char folder[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (len <= 0)
        return strdup("/usr/libexec/hark/hark-worker");
    folder[len] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    char *program = NULL;
    return asprintf(&program, "%s/../libexec/hark/hark-worker", folder) < 0 ? NULL : program;
}

char *zygote_list_layers(uint32_t layers)
{
    char list[512] = "-";
    size_t used = 0;
    for (int i = 0; i < LAYER_COUNT; i++) {
        if (layers & (1u << i))
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? "," : "", layer_name(i));
    }
    CHECK(used < sizeof list);
    return strdup(list);
}

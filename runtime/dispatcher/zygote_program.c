/* zygote_program.c: what hark-worker is started by: its path, and its arguments. */
#include "dispatcher/zygote.h"

#include "shared/check.h"
#include "shared/installed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *zygote_program(void)
{
    const char *override = getenv("HARK_WORKER");
    return override ? strdup(override) : installed_path("hark-worker");
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

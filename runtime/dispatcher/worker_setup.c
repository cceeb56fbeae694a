#include "dispatcher/worker_internal.h"

#include <string.h>

void worker_put_setup(struct worker *w)
{
    const struct manifest *m = w->revision->manifest;
    struct property config[MANIFEST_CONFIG_MAX];
    struct slice publishes[MANIFEST_PUBLISHES_MAX];
    for (size_t i = 0; i < m->config_count; i++)
        config[i] = (struct property){slice_of(m->config[i].key), slice_of(m->config[i].value)};
    for (size_t i = 0; i < m->publish_count; i++)
        publishes[i] = slice_of(m->publishes[i]);
    const char *slash = strrchr(w->revision->handler_path, '/');
    struct wire_setup setup = {
        .function = slice_of(m->function),
        .handler = slice_of(slash ? slash + 1 : w->revision->handler_path),
        .script = slice_make(w->revision->script, w->revision->script_bytes),
        .config = config,
        .config_count = (uint32_t)m->config_count,
        .publishes = publishes,
        .publish_count = (uint32_t)m->publish_count,
        .payload_max_bytes = m->limit_payload_bytes,
        .publishes_max = m->limit_publishes,
        .publish_anywhere = w->revision->publish_anywhere,
    };
    wire_put_setup(&w->out, &setup);
}

#include "dispatcher/seal_policy.h"

#include <stdio.h>
#include <string.h>

bool seal_layer_is_fatal(const struct zygote_layers *z, enum layer layer)
{
    uint32_t status = z->layers[layer].status;
    bool works = status == LAYER_ENFORCED || status == LAYER_DEGRADED || status == LAYER_WAIVED;
    return !works && layer_is_mandatory(layer, z->layers);
}

bool seal_holds(const struct zygote_layers *z)
{
    for (int i = 0; i < LAYER_COUNT; i++) {
        if (seal_layer_is_fatal(z, (enum layer)i))
            return false;
    }
    return true;
}

const char *layer_status_name(enum layer_status status)
{
    static const char *const names[] = {[LAYER_ENFORCED] = "enforced",
                                        [LAYER_DEGRADED] = "degraded",
                                        [LAYER_MISSING] = "missing",
                                        [LAYER_WAIVED] = "waived"};
    return names[status <= LAYER_WAIVED ? status : LAYER_MISSING];
}

const char *seal_reason(const struct zygote_layers *z, enum layer layer)
{
    static char text[96];
    const struct layer_state *s = &z->layers[layer];
    if (s->error)
        return strerror(s->error);
    if (layer != LAYER_LANDLOCK || s->detail == 0)
        return s->status == LAYER_DEGRADED ? "only a part of it is applied" : "this kernel has it not";
    snprintf(text, sizeof text, "its version %u here knows no abstract sockets and no signals", s->detail);
    return text;
}

const char *seal_describe(const struct zygote_layers *z, enum layer layer, char buffer[SEAL_LINE_MAX])
{
    const struct layer_state *s = &z->layers[layer];
    const char *name = layer_name(layer);
    if (s->status == LAYER_WAIVED)
        snprintf(buffer, SEAL_LINE_MAX, "%s is waived by --insecure=%s: %s", name, name,
                 layer_meaning(layer));
    else
        snprintf(buffer, SEAL_LINE_MAX, "%s is %s (%s): without it %s: %s", name,
                 layer_status_name((enum layer_status)s->status), seal_reason(z, layer), layer_meaning(layer),
                 layer_remedy(layer));
    return buffer;
}

#include "dispatcher/hops.h"

static uint32_t read_one(struct slice value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return 0;
        number = number * 10 + (uint64_t)(value.data[i] - '0');
        number = number < UINT32_MAX ? number : UINT32_MAX;
    }
    return (uint32_t)number;
}

uint32_t hops_read(const struct property *properties, uint32_t count)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hops = slice_equal(properties[i].key, slice_make(HOPS_KEY, sizeof HOPS_KEY - 1))
                            ? read_one(properties[i].value)
                            : 0;
        most = hops > most ? hops : most;
    }
    return most;
}

struct property hops_next(uint32_t hops, char text[HOPS_TEXT_MAX])
{
    size_t at = HOPS_TEXT_MAX;
    for (hops += hops < UINT32_MAX; at == HOPS_TEXT_MAX || hops > 0; hops /= 10)
        text[--at] = (char)('0' + hops % 10);
    return (struct property){slice_make(HOPS_KEY, sizeof HOPS_KEY - 1),
                             slice_make(text + at, HOPS_TEXT_MAX - at)};
}

bool hops_is_reserved(struct slice key)
{
    size_t len = sizeof HOPS_KEY_PREFIX - 1;
    return key.len >= len && memcmp(key.data, HOPS_KEY_PREFIX, len) == 0;
}

uint32_t hops_copy_own(struct property *to, const struct property *properties, uint32_t count)
{
    uint32_t copied = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!hops_is_reserved(properties[i].key))
            to[copied++] = properties[i];
    }
    return copied;
}

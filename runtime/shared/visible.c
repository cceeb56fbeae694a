#include "shared/visible.h"

#include "shared/utf8.h"

#include <stdio.h>
#include <string.h>

static bool is_control(const unsigned char *at, size_t len)
{
    if (len == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    return len == 1 && (at[0] < 0x20 || at[0] == 0x7f);
}

size_t visible_take(const char *text, size_t len, struct visible *ret)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t taken = utf8_length(text, len);
    ret->is_escaped = taken == 0 || is_control(at, taken);
    if (taken == 0)
        taken = 1;
    if (ret->is_escaped) {
        ret->len = (size_t)snprintf(ret->bytes, sizeof ret->bytes, "\\x%02x", at[taken - 1]);
        return taken;
    }
    memcpy(ret->bytes, text, taken);
    ret->bytes[taken] = '\0';
    ret->len = taken;
    return taken;
}

#include "dispatcher/plain.h"

#include "shared/utf8.h"

#include <stdio.h>

enum { ESCAPE_BYTES = 4 }; /* \xNN */

struct slice plain_text(struct slice text, char buffer[PLAIN_TEXT_MAX])
{
    size_t len = 0, at = 0;
    if (utf8_plain(text))
        return text;
    while (at < text.len) {
        size_t taken = utf8_length(text.data + at, text.len - at);
        bool is_plain = taken > 0 && utf8_plain(slice_make(text.data + at, taken));
        size_t bytes = is_plain ? taken : ESCAPE_BYTES;
        if (len + bytes >= PLAIN_TEXT_MAX)
            break;
        if (is_plain)
            memcpy(buffer + len, text.data + at, taken);
        else
            snprintf(buffer + len, ESCAPE_BYTES + 1, "\\x%02x", (unsigned char)text.data[at]);
        len += bytes;
        at += is_plain ? taken : 1;
    }
    return slice_make(buffer, len);
}

struct slice plain_or_absent(struct slice text)
{
    return utf8_plain(text) ? text : (struct slice){0};
}

uint32_t plain_properties(struct property *properties, uint32_t count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (utf8_plain(properties[i].key) && utf8_plain(properties[i].value))
            properties[left++] = properties[i];
    }
    return left;
}

#include "cli/display.h"

#include "shared/check.h"
#include "shared/utf8.h"

#include <stdint.h>
#include <stdio.h>

static void show_binary(struct slice bytes, size_t width, char *buffer, size_t size)
{
    char count[32];
    snprintf(count, sizeof count, "… (%zu bytes)", bytes.len);
    size_t room = width > 24 ? (width - 24) / 2 : 1;
    size_t shown = bytes.len < room ? bytes.len : room;
    if (shown > DISPLAY_HEX_BYTES)
        shown = DISPLAY_HEX_BYTES;
    size_t used = (size_t)snprintf(buffer, size, "0x");
    for (size_t i = 0; i < shown; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%02x", (unsigned char)bytes.data[i]);
    if (shown < bytes.len)
        snprintf(buffer + used, size - used, "%s", count);
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* Bytes of the UTF-8 character that starts with c. */
static size_t character_len(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* U+0080 to U+009F: controls of 8-bit terminals. */
static bool is_c1(const unsigned char *at)
{
    return at[0] == 0xc2 && at[1] < 0xa0;
}

static void show_text(struct slice text, size_t width, char *buffer, size_t size)
{
    size_t used = 0, columns = 0;
    for (size_t i = 0; i < text.len;) {
        const unsigned char *at = (const unsigned char *)text.data + i;
        size_t len = character_len(*at);
        bool harmful = is_control(*at) || (len == 2 && is_c1(at));
        size_t wide = harmful ? 4 : 1;
        size_t needed = i + len < text.len ? wide + 1 : wide; /* room for the … */
        if (columns + needed > width) {
            used += (size_t)snprintf(buffer + used, size - used, "…");
            break;
        }
        used += harmful ? (size_t)snprintf(buffer + used, size - used, "\\x%02x", at[len - 1])
                        : (size_t)snprintf(buffer + used, size - used, "%.*s", (int)len, (const char *)at);
        columns += wide;
        i += len;
    }
    buffer[used] = '\0';
}

void display_bytes(struct slice bytes, size_t width, char *buffer, size_t size)
{
    CHECK(width >= 8 && size >= 4 * width + 8);
    if (utf8_valid(bytes))
        show_text(bytes, width, buffer, size);
    else
        show_binary(bytes, width, buffer, size);
}

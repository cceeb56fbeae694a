#include "cli/display.h"

#include "cli/columns.h"
#include "shared/check.h"
#include "shared/utf8.h"
#include "shared/visible.h"

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

static void show_text(struct slice text, size_t width, char *buffer, size_t size)
{
    struct visible v;
    size_t used = 0, columns = 0;
    for (size_t i = 0, taken; i < text.len; i += taken) {
        taken = visible_take(text.data + i, text.len - i, &v);
        size_t wide = columns_of(v.bytes);
        size_t needed = i + taken < text.len ? wide + 1 : wide; /* room for the … */
        if (columns + needed > width) {
            used += (size_t)snprintf(buffer + used, size - used, "…");
            break;
        }
        used += (size_t)snprintf(buffer + used, size - used, "%s", v.bytes);
        columns += wide;
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

void display_write(struct slice text, FILE *to)
{
    struct visible v;
    for (size_t i = 0; i < text.len;) {
        i += visible_take(text.data + i, text.len - i, &v);
        fwrite(v.bytes, 1, v.len, to);
    }
}

void display_print(struct slice text)
{
    display_write(text, stdout);
}

/* visible.h: text from devices and functions, made harmless for a terminal. Pure.
 *
 * Control characters, which a terminal obeys, and bytes that are no UTF-8 are shown as \xNN: U+0000 to
 * U+001F, U+007F, and U+0080 to U+009F, which are controls of their own, whether as two bytes or as one. */
#ifndef HARK_SHARED_VISIBLE_H
#define HARK_SHARED_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>

enum { VISIBLE_MAX = 4 }; /* bytes that one character takes to show */

struct visible {
    char bytes[VISIBLE_MAX + 1]; /* NUL-terminated */
    size_t len;
    bool is_escaped;
};

/* What stands for the first character of text[len], len > 0. Returns how many bytes of the text that was. */
size_t visible_take(const char *text, size_t len, struct visible *ret);

#endif

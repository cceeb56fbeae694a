/* display.h: bytes from devices and functions, shown on a terminal without harm. */
#ifndef HARK_CLI_DISPLAY_H
#define HARK_CLI_DISPLAY_H

#include "shared/slice.h"

#include <stdio.h>

enum { DISPLAY_HEX_BYTES = 16 };

/* Text (UTF-8) with control characters as \xNN; other bytes as `0x…` of the first DISPLAY_HEX_BYTES and their
 * number. Cut with … to at most `width` columns (8 or more). Into buffer[size], NUL-terminated; size at
 * least 4 * width + 8. */
void display_bytes(struct slice bytes, size_t width, char *buffer, size_t size);

/* All of it; control characters and bytes that are no UTF-8 as \xNN. */
void display_write(struct slice text, FILE *to);
void display_print(struct slice text); /* to standard output */

#endif

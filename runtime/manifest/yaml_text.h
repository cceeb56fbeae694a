/* yaml_text.h: the bytes of a YAML file: are they text, and which line and column is a byte at. Pure. */
#ifndef HARK_MANIFEST_YAML_TEXT_H
#define HARK_MANIFEST_YAML_TEXT_H

#include "shared/diag.h"
#include "shared/slice.h"

/* Walks forward over a text that passed yaml_text_check; zeroed but for text and line = 1 at the start. */
struct yaml_cursor {
    struct slice text;
    size_t byte;
    size_t character;  /* libyaml counts these */
    size_t line_start; /* byte */
    unsigned line;     /* 1-based */
};

struct yaml_cursor yaml_cursor_start(struct slice text);
void yaml_cursor_to_character(struct yaml_cursor *c, size_t character);
void yaml_cursor_to_byte(struct yaml_cursor *c, size_t byte);
unsigned yaml_cursor_column(const struct yaml_cursor *c); /* 1-based, bytes */

/* Without its UTF-8 byte order mark. */
struct slice yaml_text_skip_bom(struct slice text);

/* Is it UTF-8 of a size that is allowed, without control characters? 0 or -EINVAL and one complaint. */
__attribute__((warn_unused_result)) int yaml_text_check(const char *file, struct slice text,
                                                        struct diags *diags);

#endif

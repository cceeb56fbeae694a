/* units.h: durations (`ms s m h d`), sizes (`B KiB MiB GiB`), rates (`KiB/s`) and percentages (`50%`) as
 * people write them. Pure.
 *
 * A whole number and a unit, nothing between them: `200ms`, `64MiB`. */
#ifndef HARK_MANIFEST_UNITS_H
#define HARK_MANIFEST_UNITS_H

#include "shared/slice.h"

#include <stdint.h>

enum { UNITS_TEXT_MAX = 32 };

/* 0 and *ret_ns; or -EINVAL, -ERANGE (more than 2^64 - 1), and *ret_why a static text that completes the
 * sentence "'2 s' …". */
__attribute__((warn_unused_result)) int units_parse_duration(struct slice text, uint64_t *ret_ns,
                                                             const char **ret_why);
__attribute__((warn_unused_result)) int units_parse_size(struct slice text, uint64_t *ret_bytes,
                                                         const char **ret_why);
/* Bytes a second: a size with `/s` behind it. */
__attribute__((warn_unused_result)) int units_parse_rate(struct slice text, uint64_t *ret_bytes,
                                                         const char **ret_why);

__attribute__((warn_unused_result)) int units_parse_percent(struct slice text, uint64_t *ret_percent,
                                                            const char **ret_why);

/* A whole number without a unit. As the others. */
__attribute__((warn_unused_result)) int units_parse_count(struct slice text, uint64_t *ret_count,
                                                          const char **ret_why);

/* In the largest unit that divides it; whole milliseconds only, less is cut off. Returns buffer. */
const char *units_format_duration(uint64_t ns, char buffer[UNITS_TEXT_MAX]);
const char *units_format_size(uint64_t bytes, char buffer[UNITS_TEXT_MAX]);
const char *units_format_rate(uint64_t bytes, char buffer[UNITS_TEXT_MAX]);

#endif

/* moment.h: a moment of the wall clock as RFC 3339 writes it, in UTC: 2026-11-22T16:46:28.250Z. Pure. */
#ifndef HARK_CLI_MOMENT_H
#define HARK_CLI_MOMENT_H

#include <stdint.h>
#include <time.h>

enum { MOMENT_TEXT_BYTES = 64 };

/* With milliseconds. Returns buffer. */
const char *moment_format(struct timespec moment, char buffer[MOMENT_TEXT_BYTES]);

/* 0 and nanoseconds since 1970, or -EINVAL: not of that form, before 1970 or after 2500. Up to nine digits of
 * a second's fraction. */
__attribute__((warn_unused_result)) int moment_parse(const char *text, uint64_t *ret_ns);

#endif

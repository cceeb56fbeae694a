/* zone.h: how far a place's clocks are from UTC, and when that changes. Pure: it reads a buffer, not a file.
 *
 * TZif (RFC 9636), versions 1 to 4, with the rule in its footer for all time to come. glibc's own reading of
 * it is one time zone a process, by way of the environment; functions have one each. */
#ifndef HARK_SCHEDULE_ZONE_H
#define HARK_SCHEDULE_ZONE_H

#include "shared/slice.h"

#include <stdint.h>

enum {
    ZONE_FILE_MAX = 256 * 1024,    /* bytes; the largest there are have 4 KiB */
    ZONE_NAME_MAX = 64,            /* bytes */
    ZONE_OFFSET_MAX_S = 26 * 3600, /* seconds, either way (RFC 9636, 3.2: at most 25:59:59 is sensible) */
};

/* NULL everywhere: UTC. */
struct zone;

/* A time without a change: local time is UTC + offset_s for start <= t < end. */
struct zone_segment {
    int64_t start, end; /* seconds since 1970, UTC; INT64_MIN, INT64_MAX: for ever */
    int32_t offset_s;   /* seconds east of Greenwich */
};

/* 0 and *ret_zone (zone_free); -EINVAL and *ret_why, which completes "the file …"; -ENOMEM. */
__attribute__((warn_unused_result)) int zone_parse(struct slice tzif, struct zone **ret_zone,
                                                   const char **ret_why);
void zone_free(struct zone *z); /* NULL is fine */

/* The segment that t lies in; never empty. */
struct zone_segment zone_segment_at(const struct zone *z, int64_t t);

/* NULL when it is a name that a zone may have, a path without tricks: else what is wrong with it. */
const char *zone_name_check(struct slice name);

#endif

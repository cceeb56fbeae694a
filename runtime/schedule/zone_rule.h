/* zone_rule.h: the footer of a TZif file: a rule for all years, as POSIX writes it in TZ ("CET-1CEST,M3.5.0,
 * M10.5.0/3"), with the hours of RFC 9636, 3.3.1: -167 to 167. Pure. */
#ifndef HARK_SCHEDULE_ZONE_RULE_H
#define HARK_SCHEDULE_ZONE_RULE_H

#include "schedule/zone.h"

struct zone_date {
    enum { DATE_WEEKDAY, DATE_JULIAN, DATE_ORDINAL } kind; /* Mm.w.d, Jn, n */
    int month, week, weekday;
    int day;        /* Jn: 1..365, without February 29; n: 0..365 */
    int32_t time_s; /* of local time before the change */
};

struct zone_rule {
    int32_t standard_s, summer_s; /* offsets */
    bool has_summer;
    struct zone_date begin, end; /* of summer time */
};

/* 0 or -EINVAL. */
__attribute__((warn_unused_result)) int zone_rule_parse(struct slice text, struct zone_rule *ret_rule);

struct zone_segment zone_rule_segment_at(const struct zone_rule *rule, int64_t t);

#endif

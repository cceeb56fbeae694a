/* topic.h: MQTT topic names and filters (MQTT 5.0 section 4.7), and hark's named levels `{room}`. Pure.
 *
 * Used by the dispatcher (which trigger does a message fire) and by the worker (may the function publish
 * there). A pattern is an MQTT filter in which a whole level may also be `{name}`, name = [a-z][a-z0-9_]*: a
 * `+` whose level is captured. */
#ifndef HARK_SHARED_TOPIC_H
#define HARK_SHARED_TOPIC_H

#include "shared/diag.h"
#include "shared/slice.h"

enum {
    TOPIC_MAX = 65535,       /* bytes of a topic, MQTT-1.5.4 */
    TOPIC_CAPTURES_MAX = 16, /* named levels of one pattern */
    TOPIC_CAPTURE_NAME_MAX = 32
};

/* One named level: `name` borrowed from the pattern, `value` from the topic. */
struct topic_capture {
    struct slice name;
    struct slice value;
};

struct topic_captures {
    size_t count;
    struct topic_capture items[TOPIC_CAPTURES_MAX];
};

/* Is it a topic name: UTF-8, 1..65535 bytes, no + or # (MQTT-4.7.1-1, 4.7.3-1..-3, 3.3.2-2). */
bool topic_name_valid(struct slice topic);

/* Checks a pattern. On failure -EINVAL and *diag says what is wrong and what to write (its file and line are
 * left 0, its column is the 1-based byte in the pattern). Names may not repeat. */
__attribute__((warn_unused_result)) int topic_pattern_check(struct slice pattern, struct diag *diag);

/* The filter to subscribe to: `{name}` becomes `+`. Writes at most pattern.len + 1 bytes with NUL to buffer.
 * The pattern has passed topic_pattern_check. Returns the length. */
size_t topic_pattern_to_filter(struct slice pattern, char *buffer);

/* Does the topic name match the pattern (MQTT-4.7.1-2, -3, 4.7.2-1: no leading wildcard matches a `$` topic)?
 * Fills in ret_captures when it is not NULL, without a match with none. */
bool topic_match(struct slice pattern, struct slice topic, struct topic_captures *ret_captures);

/* The same with names bound: a level `{room}` matches only the value of `room` among `bound`, and any level
 * when `bound` has no such name. That is what `publishes:` means. */
bool topic_match_bound(struct slice pattern, struct slice topic, const struct topic_captures *bound);

/* Can some topic match both patterns? Names are wildcards here. */
bool topic_patterns_overlap(struct slice a, struct slice b);

/* Does the pattern name a level `name`? */
bool topic_pattern_has_name(struct slice pattern, struct slice name);

#endif

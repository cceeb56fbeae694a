/* case_match.h: what the messages of a test case put out, beside what the case expects. Pure, but for
 * patterns. */
#ifndef HARK_CLI_CASE_MATCH_H
#define HARK_CLI_CASE_MATCH_H

#include "cli/case_run.h"

enum { CASE_NOBODY = -1 };

struct case_output {
    struct mqtt_publish publish; /* borrowed from the outbox */
    struct property properties[WIRE_PROPERTIES_MAX];
    bool is_reply;
    int wanted_by; /* which of `expect.publishes`; CASE_NOBODY: none, and that of a reply */
};

struct case_outputs {
    struct case_output *items; /* owned */
    size_t count;
};

/* What came of the messages of `given` that ended well, in order, nothing wanted yet. Lives as long as run.
 */
struct case_outputs case_outputs_of(const struct case_run *run);
void case_outputs_finish(struct case_outputs *all);

/* Gives each expected message an output of its own, the first that fits, in order the next one: wanted_by.
 * met[n]: the n-th has one. True: all have. */
bool case_outputs_assign(struct case_outputs *all, const struct case_expect *expect, bool *met);

const struct case_output *case_outputs_reply(const struct case_outputs *all); /* the last; NULL: none */

bool case_text_matches(const char *expected, struct slice text); /* expected NULL: any does */
bool case_payload_matches(const struct case_payload *expected, struct slice payload);
bool case_property_matches(const struct manifest_pair *expected, const struct mqtt_publish *p);
bool case_message_matches(const struct case_message *expected, const struct mqtt_publish *p);
bool case_log_matches(const struct case_log *expected, const char *line);

/* Is the reply the one that is expected? reply: NULL: there was none. */
bool case_reply_matches(const struct case_expect *expect, const struct case_output *reply);

#endif

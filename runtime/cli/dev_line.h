/* dev_line.h: what became of one message, as one line for people. Pure, but for memory and the file it prints
 * to.
 *
 *     13:45:52.814  home/kitchen/temperature  19.0  → thermostat  0.724 ms  ok  → home/kitchen/heater  on
 *
 * At a terminal it is as wide as that: payloads give way first, the longest of them first, then outputs but
 * one, the last first, then topics, and that output last of all. Elsewhere everything is there, except that
 * bytes that are no text are cut (display.h). */
#ifndef HARK_CLI_DEV_LINE_H
#define HARK_CLI_DEV_LINE_H

#include "shared/slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { DEV_WIDTH_MIN = 60, DEV_WIDTH_MAX = 1000, DEV_PAYLOAD_MIN = 7, DEV_TOPIC_MIN = 8 };

struct dev_output {
    char *topic, *payload; /* owned, harmless */
    bool retain;
};

struct dev_line {
    struct tm clock;
    int milliseconds;
    char *topic, *payload; /* owned, harmless */
    const char *marks;     /* of the message: " (retained)"; static */
    char *function, *outcome;
    bool good;
    uint64_t duration_ns;
    struct dev_output *outputs;
    size_t output_count;
};

struct dev_style {
    bool colours;
    size_t width; /* 0: as wide as it gets */
};

/* An owned copy of device's or function's bytes, harmless. whole: not only what fits into a line. NULL: no
 * memory, which prints as nothing. */
char *dev_line_text(struct slice bytes, bool whole);
/* Takes both texts. */
void dev_line_add_output(struct dev_line *l, char *topic, char *payload, bool retain);

/* A line without a message (topic NULL) is of an output that came later. */
void dev_line_print(const struct dev_line *l, const struct dev_style *style, FILE *to);
void dev_line_finish(struct dev_line *l); /* empty again */

#endif

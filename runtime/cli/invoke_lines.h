/* invoke_lines.h: the messages of `hark invoke` that come as lines of standard input, message_parse.h. */
#ifndef HARK_CLI_INVOKE_LINES_H
#define HARK_CLI_INVOKE_LINES_H

#include "cli/message_parse.h"
#include "dispatcher/revision.h"
#include "shared/topic.h"

#include <stdbool.h>
#include <stdio.h>

struct invoke_lines {
    FILE *input; /* borrowed */
    const struct revision *revision;
    char *line; /* owned, as all below */
    size_t length, capacity;
    size_t number; /* 1-based, of the line in `line`; 0: none was read */
    bool has_line; /* it is still to be taken */
    struct parsed_message parsed;
    bool has_parsed;
    struct property timer;
    struct topic_captures captures;
};

enum invoke_line { LINE_MESSAGE, LINE_BAD, LINE_END };

/* Waits for the first line, where standard input is a pipe, a socket or a file. False: it is none of them, or
 * empty; nothing needs to be finished then. */
bool invoke_lines_begin(struct invoke_lines *l, const struct revision *r);

/* The next that is not blank. LINE_MESSAGE: l->parsed.mqtt and l->captures, until the next call. LINE_BAD:
 * it was said in the log. */
enum invoke_line invoke_lines_next(struct invoke_lines *l);
void invoke_lines_finish(struct invoke_lines *l);

#endif

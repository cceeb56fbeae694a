/* message_lines.h: messages that come as lines of a file or of standard input, message_parse.h. */
#ifndef HARK_CLI_MESSAGE_LINES_H
#define HARK_CLI_MESSAGE_LINES_H

#include "cli/aim.h"
#include "cli/message_parse.h"
#include "cli/pace.h"
#include "manifest/manifest.h"
#include "shared/topic.h"

#include <stdbool.h>

struct message_lines {
    int fd;
    const char *name; /* borrowed; of the file, or `standard input` */
    char *bytes;      /* owned; what was read and not yet taken begins at `next` */
    size_t next, searched, used, capacity;
    bool at_end;
    char *line; /* of `bytes` */
    size_t length;
    size_t number;               /* 1-based, of the line in `line`; 0: none was read */
    bool has_line;               /* it is still to be taken */
    bool is_too_long, is_broken; /* still to be told as a LINE_BAD */
    struct parsed_message parsed;
    bool has_parsed;
    struct aimed aimed;
};

enum message_line { LINE_MESSAGE, LINE_BAD, LINE_END };

/* path: `-` for standard input; borrowed. 0 or a negative errno; nothing needs to be finished then. */
__attribute__((warn_unused_result)) int message_lines_open(struct message_lines *l, const char *path);
/* Standard input, where it is a pipe, a socket or a file that is not empty; waits for its first line. False:
 * it is none of them; nothing needs to be finished then. */
bool message_lines_piped(struct message_lines *l);

/* Whether a line, or the end, is there without a wait. Ends the message that is there. */
bool message_lines_ready(struct message_lines *l);
/* The next line that is not blank, for which it waits. LINE_MESSAGE: l->parsed, until the next call.
 * LINE_BAD: it was said in the log. */
enum message_line message_lines_next(struct message_lines *l);
/* The same as messages for a function, l->aimed. */
enum message_line message_lines_next_for(struct message_lines *l, const struct manifest *m);
/* When that line is to be played, as pace_due() has it. The log tells of a time that is no moment, and of a
 * pause that looks like a standstill. */
uint64_t message_lines_due_ns(const struct message_lines *l, struct pace *pace);
void message_lines_finish(struct message_lines *l);

#endif

/* invoke_stats.h: `hark invoke --stats`: what each message cost, and all of them together. */
#ifndef HARK_CLI_INVOKE_STATS_H
#define HARK_CLI_INVOKE_STATS_H

#include "cli/player.h"

struct invoke_stats {
    uint64_t *took_ns; /* owned; of each message */
    size_t count, capacity;
};

/* Says it: a line of the log, or with json a line of standard output. */
void invoke_stats_add(struct invoke_stats *s, const char *function, const struct play *play, bool json);

/* Says the whole, of more than one, and frees. */
void invoke_stats_finish(struct invoke_stats *s, bool json);

#endif

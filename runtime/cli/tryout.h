/* tryout.h: messages to one function without a broker, and what comes of each printed: what `hark invoke` and
 * `hark replay` have in common.
 *
 * On the main thread. The worker is a sealed one, or what the options want in its place (unsealed.h). */
#ifndef HARK_CLI_TRYOUT_H
#define HARK_CLI_TRYOUT_H

#include "cli/host.h"
#include "cli/invoke_stats.h"
#include "cli/options.h"
#include "cli/player.h"
#include "cli/unsealed.h"

struct tryout {
    const struct options *options; /* json, stats, the function, what leaves the seal */
    struct revision *revision;     /* owned */
    struct unsealed unsealed;
    struct host host;
    struct player player;
    struct play play; /* the one of now, or the last */
    bool over;
    bool hopeless; /* the function does not get ready, or is gone with gdb: no further message */
    struct invoke_stats stats;
};

/* path: a manifest or a .so. 0, or the exit code, logged; then nothing is to be closed. *t must not be moved.
 */
__attribute__((warn_unused_result)) int tryout_open(struct tryout *t, const char *path,
                                                    const struct options *o);

/* Plays it and prints what it puts out; t->host.loop turns meanwhile. The exit code of `hark invoke` for it.
 */
__attribute__((warn_unused_result)) int tryout_play(struct tryout *t, const struct mqtt_message *message,
                                                    const struct topic_captures *captures);

/* Lets the function end, and frees. `code`, or 3 where that is 0 and valgrind or a sanitizer has found
 * something. */
__attribute__((warn_unused_result)) int tryout_close(struct tryout *t, int code);

#endif

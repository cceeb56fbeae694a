/* replay_function.h: `hark replay FILE FUNCTION`: a recording to a function, at its pace, without a broker.
 *
 * On the main thread. What does not trigger the function is passed by and counted. An interrupt lets the
 * message that runs finish. */
#ifndef HARK_CLI_REPLAY_FUNCTION_H
#define HARK_CLI_REPLAY_FUNCTION_H

#include "cli/message_lines.h"
#include "cli/options.h"

/* lines: open, and the caller's to finish. The exit code: that of `hark invoke` for the first message that
 * did not end well. */
__attribute__((warn_unused_result)) int replay_to_function(struct message_lines *lines, const char *function,
                                                           const struct options *o);

#endif

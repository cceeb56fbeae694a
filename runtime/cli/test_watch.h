/* test_watch.h: `hark test --watch`: the cases, and again those that a change is about, until an interrupt.
 *
 * On the main thread, with a loop of its own. What changed is seen by how the files look, so a rename, a link
 * or a folder that comes back is no different from a save; dispatcher/watch.h says when to look. */
#ifndef HARK_CLI_TEST_WATCH_H
#define HARK_CLI_TEST_WATCH_H

#include "cli/options.h"

int test_watch(const struct options *o); /* the exit code: 0 when it was interrupted */

#endif

/* cli.h: what tests of commands ask: was it refused as the commands refuse, with one line and that exit code.
 */
#ifndef TESTS_SUPPORT_CLI_H
#define TESTS_SUPPORT_CLI_H

#include "support/command.h"

enum { USAGE = 64, BAD_DATA = 65, NOT_PERMITTED = 77 };

void assert_contains(const char *text, const char *part);

/* One line on standard error that begins with `hark: `, nothing on standard output, and that exit code. */
void assert_refused(struct outcome o, int code, const char *part);

/* A folder with a puppet and its manifest, which ends in more_manifest; four lines come before that. */
const char *folder_with_puppet(const char *more_manifest);

/* A copy in a folder of the test's own: the build tree may be one that a group can write, which hark refuses.
 */
const char *own_copy(const char *folder, const char *name);

#endif

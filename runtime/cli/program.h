/* program.h: where programs are. */
#ifndef HARK_CLI_PROGRAM_H
#define HARK_CLI_PROGRAM_H

/* The path of the first `name` that may be executed in `folders`, separated by colons. The caller frees.
 * NULL: there is none. */
char *program_find_in(const char *name, const char *folders);
char *program_find(const char *name); /* on PATH */

#endif

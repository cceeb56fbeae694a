/* manual.h: man pages, made of what the commands and the tables of keys say of themselves. In the program
 * that the build runs for it, and in tests. Pure but for the stream. */
#ifndef HARK_CLI_MANUAL_H
#define HARK_CLI_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

enum { MANUAL_NAME_MAX = 64 };

/* Puts "hark.1", "hark-run.1" and so on, one a command, "hark-manifest.5", "hark.yaml.5" or "hark-test.5"
 * into the buffer. false: there are no more. */
bool manual_name(int index, char name[MANUAL_NAME_MAX]);

/* Writes the page of that name as man(7). 0, or -ENOENT: there is none. */
__attribute__((warn_unused_result)) int manual_write(FILE *f, const char *name);

/* ---- for its parts ---- */

/* A text in a line of its own: no part of it is taken for a request or an escape. */
void manual_text(FILE *f, const char *text);
/* The same within a line. */
void manual_words(FILE *f, const char *text);
void manual_header(FILE *f, const char *title, int section, const char *summary);

struct command;
struct keys;
void manual_write_hark(FILE *f);
void manual_write_command(FILE *f, const struct command *command);
void manual_write_keys(FILE *f, const char *file, const struct keys *keys);

#endif

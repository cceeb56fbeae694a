/* completion.h: what a shell needs to complete a command line of hark, written from the tables of commands
 * and options. Pure but for the stream. */
#ifndef HARK_CLI_COMPLETION_H
#define HARK_CLI_COMPLETION_H

#include "cli/options_internal.h"

#include <stdio.h>

void completion_bash(FILE *f);
void completion_zsh(FILE *f);
void completion_fish(FILE *f);

/* ---- for those three ---- */

bool completion_takes(const struct command *command, int option);

/* A text that is inside single quotes: what is in `special`, and the quote, as the shell wants it. */
void completion_quote(FILE *f, const char *text, const char *special, const char *quote);

#endif

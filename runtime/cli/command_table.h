/* command_table.h: all commands, for main and for what is made of their descriptions. */
#ifndef HARK_CLI_COMMAND_TABLE_H
#define HARK_CLI_COMMAND_TABLE_H

#include "cli/options.h"

extern const struct command *const command_table[]; /* in the order of `hark --help` */
extern const int command_count;

#endif

/* commands.h: the commands, a file each. */
#ifndef HARK_CLI_COMMANDS_H
#define HARK_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_run, command_dev, command_check, command_invoke, command_test,
    command_record, command_replay, command_diff, command_dead, command_doctor, command_new,
    command_completion;

#endif

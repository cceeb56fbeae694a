#include "cli/command_table.h"

#include "cli/commands.h"

const struct command *const command_table[] = {
    &command_new,    &command_run,    &command_dev,  &command_check, &command_invoke, &command_test,
    &command_record, &command_replay, &command_diff, &command_dead,  &command_doctor, &command_completion};

const int command_count = sizeof command_table / sizeof *command_table;

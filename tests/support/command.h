/* command.h: a command that runs to its end: exit code, standard output, standard error. */
#ifndef TESTS_SUPPORT_COMMAND_H
#define TESTS_SUPPORT_COMMAND_H

#include "support/process.h"

struct outcome {
    int code;              /* exit code, or 128 + signal */
    const char *out, *err; /* until the end of the test */
};

struct outcome command_run(const struct process_options *o);

/* `hark ARGUMENTS...`: hark_command("check", path). */
#define hark_command(...)                                                                                    \
    command_run(&(struct process_options){.name = "hark",                                                    \
                                          .argv = (const char *const[]){TEST_HARK, __VA_ARGS__, NULL}})

#endif

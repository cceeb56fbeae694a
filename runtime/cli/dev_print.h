/* dev_print.h: what became of messages, a line each on standard output, for people who watch. At a terminal
 * the log gets colours too, and failures and what functions say stand out. */
#ifndef HARK_CLI_DEV_PRINT_H
#define HARK_CLI_DEV_PRINT_H

#include "cli/dev_line.h"
#include "dispatcher/observer.h"

#include <stdbool.h>

struct dev_print {
    bool is_terminal, colours;
    bool is_open; /* `line` is of an attempt that is not settled */
    struct dev_line line;
};

void dev_print_init(struct dev_print *p);
void dev_print_finish(struct dev_print *p);

/* Its user is a struct dev_print. */
extern const struct observer dev_print_observer;

#endif

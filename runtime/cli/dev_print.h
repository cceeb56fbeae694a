/* dev_print.h: what happens to messages, a line each on standard output, for people who watch. */
#ifndef HARK_CLI_DEV_PRINT_H
#define HARK_CLI_DEV_PRINT_H

#include "dispatcher/observer.h"

#include <stdbool.h>
#include <stddef.h>

struct dev_print {
    bool colours;
    size_t width; /* of a line */
};

void dev_print_init(struct dev_print *p);

/* Its user is a struct dev_print. */
extern const struct observer dev_print_observer;

#endif

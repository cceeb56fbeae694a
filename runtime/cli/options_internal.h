/* options_internal.h: what option_table.c, which knows each option, and options.c, which parses, share. */
#ifndef HARK_CLI_OPTIONS_INTERNAL_H
#define HARK_CLI_OPTIONS_INTERNAL_H

#include "cli/options.h"

/* One option: where its value goes. Of take, text and flag one is set. */
struct option_row {
    const char *name;
    const char *value; /* placeholder; NULL: takes none */
    const char *help;
    /* 0, or -EINVAL by option_refuse. */
    int (*take)(const struct command *command, char *value, struct options *o, struct diag *diag);
    size_t text; /* offset of a const char * in struct options */
    size_t flag; /* offset of a bool in struct options */
    bool may_be_empty;
};

extern const struct option_row option_table[]; /* row n is option 1 << n */
extern const int option_count;

enum { OPTION_COUNT_MAX = 64 };

/* -EINVAL; diag->text says it, and where help is. */
__attribute__((format(printf, 3, 4))) int option_refuse(const struct command *command, struct diag *diag,
                                                        const char *format, ...);

#endif

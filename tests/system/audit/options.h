/* options.h: the command line of the audit. */
#ifndef TESTS_SYSTEM_AUDIT_OPTIONS_H
#define TESTS_SYSTEM_AUDIT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    uint64_t seed;
    unsigned seconds, rate;
    bool has_tls;
    unsigned patience;    /* seconds without an answer until what is missing is lost */
    const char *faults;   /* NULL: all */
    const char *sabotage; /* more config of the first function, or "" */
    const char *log;   /* a path: the faults, and all that hark and the broker said; NULL: only the faults, on
                        * standard output */
    const char *trace; /* a path: every packet of hark's, a line each; NULL: none */
};

/* False: a line on standard error says why. */
bool options_read(struct options *o, int argc, char **argv);

#endif

/* pattern.h: an extended regular expression, regex(7), whoever wrote it.
 *
 * To compile or try one may take for ever, or all memory, or all of the stack: ((a{1,255}){1,255}){1,255},
 * (.*)(.*)\1\2, many an innocent one beside a long text. So each happens in a process of its own, which has
 * PATTERN_CPU_S and PATTERN_MEMORY_BYTES for it. The caller waits. */
#ifndef HARK_CLI_PATTERN_H
#define HARK_CLI_PATTERN_H

#include "shared/slice.h"

enum {
    PATTERN_CPU_S = 1,
    PATTERN_MEMORY_BYTES = 256 * 1024 * 1024, /* not where AddressSanitizer is: it has more to begin with */
    PATTERN_WHY_MAX = 160
};

struct pattern {
    char *text;            /* owned */
    unsigned line, column; /* where it stands in its file */
    bool given_up;         /* a try took more than there is: it matches nothing from then on */
};

/* Can it be compiled? 0, -EINVAL: no, and why, for people; or the errno of fork(2). */
__attribute__((warn_unused_result)) int pattern_check(const char *text, char why[PATTERN_WHY_MAX]);

struct pattern *pattern_create(struct slice text, unsigned line, unsigned column); /* NULL: out of memory */
void pattern_destroy(struct pattern *p);                                           /* NULL is fine */

/* False, too, where the text has a NUL, or when it is given up. */
bool pattern_matches(struct pattern *p, struct slice text);

#endif

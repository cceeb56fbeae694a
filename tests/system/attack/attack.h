/* attack.h: the attacks, by family, and what must come of each. */
#ifndef TESTS_ATTACK_ATTACK_H
#define TESTS_ATTACK_ATTACK_H

#include <stdbool.h>
#include <stddef.h>

/* An outcome is what the function published ("EPERM", "did it"), or how hark ended its worker: the signal
 * ("SIGSEGV"), "exit N", "timeout", "broken: what it sent". One that lies so well that
 * its message counts as done is "said: " and what hark says of it. One that ends while it is loaded is never
 * deployed: "refused: " and the same. */
struct attack {
    const char *name;      /* of tests/functions/hostile/<name>.c */
    const char *sealed;    /* with every layer */
    const char *degraded;  /* without namespaces; NULL: as sealed */
    const char *by_root;   /* without namespaces, of a hark that root started; NULL: as degraded */
    const char *manifest;  /* more lines of it, an @ for the folder with what can be granted; NULL: none */
    unsigned lines;        /* that it logs: each is in hark's log, or in a word of how many were dropped */
    const char *uncounted; /* where only the user namespace is missing; NULL: as sealed */
};

struct family {
    const char *name;
    const struct attack *attacks; /* ends with one that has no name */
    bool has_grants, has_network; /* see siege.h */
};

extern const struct family families[];
extern const size_t family_count;

#endif

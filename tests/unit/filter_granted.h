/* filter_granted.h: the calls that a manifest's grants open, and those beside them that none does. For
 * filter_test. */
#ifndef TESTS_UNIT_FILTER_GRANTED_H
#define TESTS_UNIT_FILTER_GRANTED_H

#include <stdint.h>

struct filter_granted {
    unsigned kinds; /* FILTER_READ and so on: allowed with any of these, refused without */
    const char *call;
    uint64_t args[6];
};

/* Both end with one that has no call. */
extern const struct filter_granted filter_granted[], filter_beside[];

#endif

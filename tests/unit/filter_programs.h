/* filter_programs.h: the workers' system call filters as they were generated, for every machine, and an
 * interpreter of them. For tests. */
#ifndef TESTS_UNIT_FILTER_PROGRAMS_H
#define TESTS_UNIT_FILTER_PROGRAMS_H

#include "worker/filter_internal.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_VARIANTS = 48 }; /* of either machine: with threads or without, 3 of files, 4 of sockets */

/* A program, and what it is for. */
struct filter_variant {
    char name[48];
    uint32_t arch; /* as the kernel says it: AUDIT_ARCH_… */
    uint32_t scmp; /* as libseccomp does: SCMP_ARCH_… */
    unsigned kind; /* FILTER_THREADS and so on */
    const struct sock_filter *program;
    size_t count;
};
extern struct filter_variant filter_variants[FILTER_VARIANTS];
/* Fills them in. */
void filter_list(void);

/* What it says of a call: SECCOMP_RET_…, as the kernel would find it. Fails the test that runs when the
 * program is none. */
uint32_t filter_run(const struct filter_variant *v, const struct seccomp_data *data);

#endif

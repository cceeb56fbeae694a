/* filter_programs.h: the workers' system call filters as they were generated, for every machine, and an
 * interpreter of them. For tests. */
#ifndef TESTS_UNIT_FILTER_PROGRAMS_H
#define TESTS_UNIT_FILTER_PROGRAMS_H

#include "worker/filter_internal.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FILTER_VARIANTS = 52 /* of either machine: with threads or without, 3 of files, 4 of sockets; and without
                            grants, with threads or without, in two parts */
};

/* A program, and what it is for. */
struct filter_variant {
    char name[48];
    uint32_t arch; /* as the kernel says it: AUDIT_ARCH_… */
    uint32_t scmp; /* as libseccomp does: SCMP_ARCH_… */
    unsigned kind; /* FILTER_THREADS and so on */
    const struct sock_filter *program;
    size_t count;
    const struct sock_filter *common; /* of two parts, the one that the zygote has; NULL: it is in one */
    size_t common_count;
};
extern struct filter_variant filter_variants[FILTER_VARIANTS];
/* Fills them in. */
void filter_list(void);

/* What it says of a call: SECCOMP_RET_…, as the kernel would find it: of two parts the stricter answer. Fails
 * the test that runs when the program is none. */
uint32_t filter_run(const struct filter_variant *v, const struct seccomp_data *data);
/* The first part alone. */
uint32_t filter_run_common(const struct filter_variant *v, const struct seccomp_data *data);

#endif

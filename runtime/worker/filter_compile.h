/* filter_compile.h: from rules about system calls to a program for seccomp(2). In filter_gen alone, while
 * hark is built.
 *
 * Every worker that is born has its program checked and translated by the kernel, which then tries it for
 * each number to learn which calls need no look at it any more. So a program shall be short, and the way
 * through it too: the numbers lie in a tree of ranges of one fate, and values of an argument in trees of
 * their own.
 *
 * Of several rules about one call the first that applies decides; where none applies, that is said once for
 * all. Calls in the manner of another machine end the process, but for a program that lets through what has
 * no rule: it is of use only behind another. No instruction is used but those for which the kernel can tell
 * that the arguments play no part: load, and, jump, return. */
#ifndef HARK_WORKER_FILTER_COMPILE_H
#define HARK_WORKER_FILTER_COMPILE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_RULES_MAX = 512, FILTER_CHECKS_MAX = 4 };

/* Holds if the argument, after the mask, is `low` to `high`. All four at 0: there is no such check. Where the
 * kernel takes 32 bits of an argument the mask is not wider, so what it does not see is not looked at. */
struct filter_check {
    unsigned argument; /* 0 to 5 */
    uint64_t mask, low, high;
};

/* Applies if all its checks hold. */
struct filter_rule {
    uint32_t number, action; /* SECCOMP_RET_ */
    unsigned check_count;
    struct filter_check checks[FILTER_CHECKS_MAX];
};

/* `machine` is an AUDIT_ARCH_, `otherwise` the SECCOMP_RET_ of a call about which no rule applies. Returns
 * the number of instructions in program[FILTER_PROGRAM_MAX], or 0: they do not fit, or there are checks that
 * it cannot express. */
size_t filter_compile(uint32_t machine, uint32_t otherwise, const struct filter_rule *rules, size_t count,
                      struct sock_filter *program);

#endif

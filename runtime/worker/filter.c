#include "worker/filter.h"

#include "shared/check.h"
#include "worker/filter_internal.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filters.h"

#if defined(__x86_64__)
#define FILTERS X86_64_FILTERS
#elif defined(__aarch64__)
#define FILTERS AARCH64_FILTERS
#endif

#ifdef FILTERS

/* A program knows its owner only as a constant, and a worker may signal nobody else. */
static void write_own_pid(struct sock_filter *program, size_t count)
{
    unsigned found = 0;
    for (size_t i = 0; i < count; i++)
        if (BPF_CLASS(program[i].code) == BPF_JMP && program[i].k == FILTER_OWN_PID) {
            program[i].k = (uint32_t)getpid();
            found++;
        }
    CHECK(found == 1);
}

int filter_install(unsigned kind)
{
    struct sock_filter program[FILTER_PROGRAM_MAX];
    CHECK(kind < FILTER_KINDS && FILTERS[kind].program);
    size_t count = FILTERS[kind].count;
    memcpy(program, FILTERS[kind].program, count * sizeof *program);
    write_own_pid(program, count);
    struct sock_fprog load = {.len = (unsigned short)count, .filter = program};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) < 0 ? -errno : 0;
}

#else

int filter_install(unsigned kind)
{
    (void)kind;
    return -ENOSYS;
}

#endif

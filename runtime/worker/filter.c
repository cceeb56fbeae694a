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

#if defined(__x86_64__) || defined(__aarch64__)

enum { PROGRAM_MAX = 1024 };

_Static_assert(sizeof FILTER_THREADS <= PROGRAM_MAX * sizeof(struct sock_filter),
               "the copy holds the program");

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

static int install(const struct sock_filter *filter, size_t bytes)
{
    struct sock_filter program[PROGRAM_MAX];
    size_t count = bytes / sizeof *program;
    memcpy(program, filter, bytes);
    write_own_pid(program, count);
    struct sock_fprog load = {.len = (unsigned short)count, .filter = program};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) < 0 ? -errno : 0;
}

int filter_install(bool threads)
{
    return threads ? install(FILTER_THREADS, sizeof FILTER_THREADS)
                   : install(FILTER_ONE_THREAD, sizeof FILTER_ONE_THREAD);
}

#else

int filter_install(bool threads)
{
    (void)threads;
    return -ENOSYS;
}

#endif

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
#define FILTERS(part) X86_64_##part##FILTERS
#elif defined(__aarch64__)
#define FILTERS(part) AARCH64_##part##FILTERS
#endif

#ifdef FILTERS

static int load(const struct sock_filter *program, size_t count)
{
    struct sock_fprog load = {.len = (unsigned short)count,
                              .filter = (struct sock_filter *)(uintptr_t)program};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) < 0 ? -errno : 0;
}

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

static int load_own(const struct filter_program *filter, struct sock_filter *own, size_t room)
{
    CHECK(filter->program && filter->count <= room);
    memcpy(own, filter->program, filter->count * sizeof *own);
    write_own_pid(own, filter->count);
    return load(own, filter->count);
}

int filter_install(unsigned kind)
{
    struct sock_filter own[FILTER_PROGRAM_MAX];
    CHECK(kind < FILTER_KINDS);
    return load_own(&FILTERS()[kind], own, FILTER_PROGRAM_MAX);
}

int filter_install_common(void)
{
    return load(FILTERS(COMMON_)[0].program, FILTERS(COMMON_)[0].count);
}

int filter_install_rest(unsigned kind)
{
    struct sock_filter own[FILTER_REST_MAX];
    CHECK(kind < FILTER_PLAIN_KINDS);
    return load_own(&FILTERS(REST_)[kind], own, FILTER_REST_MAX);
}

#else

int filter_install(unsigned kind)
{
    (void)kind;
    return -ENOSYS;
}

int filter_install_common(void)
{
    return -ENOSYS;
}

int filter_install_rest(unsigned kind)
{
    (void)kind;
    return -ENOSYS;
}

#endif

#include "worker/limits.h"

#include "shared/sanitized.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    WORKER_FILES = 4, /* 0, 1, 2 and the channel */
    START_FILES =
        2, /* the .so as it came and as the loader opened it; closed before the function is called */
    PENDING_SIGNALS = 64 /* of the realtime kind; others are never refused */
};

static const uint64_t STACK_BYTES = 8 << 20;
static const uint64_t THREAD_STACK_BYTES = 1 << 20;
static const uint64_t RESERVED_BYTES = 4ull << 30; /* what allocators reserve and never touch */

uint32_t limits_threads(const struct seal_limits *limits)
{
    return limits->threads ? limits->threads : 1;
}

/* Before limits_apply, of this process and those that it forks, which need not ask again. */
static struct rlimit current[RLIM_NLIMITS];
static bool are_common;

static int learn(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        if (getrlimit((__rlimit_resource_t)i, &current[i]) < 0)
            return -errno;
    return 0;
}

/* setrlimit(3) makes another call, which the filter of the zygote does not leave open. */
static int limit_both(int resource, uint64_t soft, uint64_t hard)
{
    const struct rlimit *now = &current[resource];
    if (hard > now->rlim_max)
        hard = now->rlim_max;
    if (soft > hard)
        soft = hard;
    if (now->rlim_cur == soft && now->rlim_max == hard)
        return 0;
    return syscall(SYS_setrlimit, resource, &(struct rlimit){soft, hard}) < 0 ? -errno : 0;
}

static int limit(int resource, uint64_t value)
{
    return limit_both(resource, value, value);
}

/* A stack counts as memory with all its bytes. Those of threads would have what RLIMIT_STACK was when the
 * zygote started: 8 MiB mostly, so that eight threads would have used up the default of limits.memory. */
static int limit_stacks_of_threads(const struct seal_limits *limits)
{
    pthread_attr_t usual;
    if (limits_threads(limits) == 1)
        return 0;
    int error = pthread_attr_init(&usual);
    if (error)
        return -error;
    error = pthread_attr_setstacksize(&usual, THREAD_STACK_BYTES);
    if (!error)
        error = pthread_setattr_default_np(&usual);
    pthread_attr_destroy(&usual);
    return -error;
}

static int limit_memory(const struct seal_limits *limits)
{
    if (SANITIZED || !limits->data_bytes)
        return 0;
    int error = limit(RLIMIT_DATA, limits->data_bytes);
    return error ? error : limit(RLIMIT_AS, limits->data_bytes + RESERVED_BYTES);
}

/* SIGXCPU at the limit says what it was; SIGKILL a second later, should the function ignore that. */
static int limit_cpu(const struct seal_limits *limits)
{
    return limits->cpu_s ? limit_both(RLIMIT_CPU, limits->cpu_s, (uint64_t)limits->cpu_s + 1) : 0;
}

static int limit_files(const struct seal_limits *limits)
{
    uint32_t files = limits->files > START_FILES ? limits->files : START_FILES;
    return limit(RLIMIT_NOFILE, (uint64_t)WORKER_FILES + files);
}

int limits_apply_common(void)
{
    static const int none[] = {RLIMIT_CORE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO};
    int error = learn();
    for (size_t i = 0; !error && i < sizeof none / sizeof *none; i++)
        error = limit(none[i], 0);
    if (!error)
        error = limit(RLIMIT_SIGPENDING, PENDING_SIGNALS);
    if (!error)
        error = limit(RLIMIT_STACK, STACK_BYTES);
    if (!error)
        error = learn();
    are_common = !error;
    return error;
}

int limits_apply(const struct seal_limits *limits)
{
    int error = are_common ? 0 : limits_apply_common();
    if (!error)
        error = limit(RLIMIT_FSIZE, limits->file_bytes);
    if (!error)
        error = limit(RLIMIT_NPROC, limits_threads(limits));
    if (!error)
        error = limit_files(limits);
    if (!error)
        error = limit_cpu(limits);
    if (!error)
        error = limit_stacks_of_threads(limits);
    return error ? error : limit_memory(limits);
}

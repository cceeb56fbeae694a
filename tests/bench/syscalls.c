/* syscalls.c: the function of filter_time.c: answers with the nanoseconds that two system calls take here,
 * one that the filter lets pass by its number and one whose arguments it looks at: the best of many short
 * runs, which nobody interrupted. */
#include <hark/function.h>

#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 200, CALLS = 500 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void ask_parent(void)
{
    (void)getppid();
}

static void ask_flags(void)
{
    (void)fcntl(STDOUT_FILENO, F_GETFD);
}

static double best_ns(void (*call)(void))
{
    uint64_t best = UINT64_MAX;
    for (int run = 0; run < RUNS; run++) {
        uint64_t start_ns = now_ns();
        for (int i = 0; i < CALLS; i++)
            call();
        uint64_t ns = now_ns() - start_ns;
        best = ns < best ? ns : best;
    }
    return (double)best / CALLS;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    double ns[] = {best_ns(ask_parent), best_ns(ask_flags)};
    (void)in;
    return hark_reply(ctx, ns, sizeof ns);
}

HARK_FUNCTION(.handle = handle);

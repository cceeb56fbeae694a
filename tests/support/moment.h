/* moment.h: deadlines on the monotonic clock, for poll(2) and condition variables. Any thread. */
#ifndef TESTS_SUPPORT_MOMENT_H
#define TESTS_SUPPORT_MOMENT_H

#include "shared/clock.h"

#include <pthread.h>
#include <time.h>

/* A condition variable whose deadlines are on the monotonic clock. */
static inline void moment_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static inline struct timespec moment_in(int ms)
{
    uint64_t ns = clock_now_ns() + (uint64_t)ms * NS_PER_MS;
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

#endif

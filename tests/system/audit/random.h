/* random.h: the numbers of one seed, the same on every machine (xorshift64*). Any thread, a state for each.
 */
#ifndef TESTS_SYSTEM_AUDIT_RANDOM_H
#define TESTS_SYSTEM_AUDIT_RANDOM_H

#include <stdint.h>

/* Another state for another purpose of one seed. Never 0. */
static inline uint64_t random_state(uint64_t seed, uint64_t purpose)
{
    uint64_t z = (seed + 1) * 0x9e3779b97f4a7c15u + purpose * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 31) * 0x94d049bb133111ebu;
    return z ? z : 1;
}

static inline uint32_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545f4914f6cdd1du >> 32);
}

/* 0 … bound - 1. */
static inline unsigned random_below(uint64_t *state, unsigned bound)
{
    return (unsigned)((uint64_t)random_next(state) * bound >> 32);
}

static inline unsigned random_between(uint64_t *state, unsigned low, unsigned high)
{
    return low + random_below(state, high - low + 1);
}

#endif

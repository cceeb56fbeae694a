/* samples.h: durations that were measured, and what is to be said about them. */
#ifndef TESTS_BENCH_SAMPLES_H
#define TESTS_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
    uint64_t *ns;
    size_t count, capacity;
};

void samples_add(struct samples *s, uint64_t ns);
void samples_finish(struct samples *s);

/* The value that `percent` of the samples do not exceed, in microseconds; 0 without samples. Sorts them. */
double samples_percentile_us(struct samples *s, double percent);

#endif

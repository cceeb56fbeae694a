#include "samples.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <stdlib.h>

void samples_add(struct samples *s, uint64_t ns)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 4096;
        s->ns = realloc(s->ns, s->capacity * sizeof *s->ns);
        CHECK(s->ns);
    }
    s->ns[s->count++] = ns;
}

void samples_finish(struct samples *s)
{
    free(s->ns);
    *s = (struct samples){0};
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

double samples_percentile_us(struct samples *s, double percent)
{
    if (s->count == 0)
        return 0;
    qsort(s->ns, s->count, sizeof *s->ns, compare);
    size_t index = (size_t)(percent / 100 * (double)s->count);
    if (index >= s->count)
        index = s->count - 1;
    return (double)s->ns[index] / (double)NS_PER_US;
}

#include "cli/invoke_stats.h"

#include "cli/message_json.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <stdlib.h>

static const double MS = (double)NS_PER_MS;

static json_int_t us(uint64_t ns)
{
    return (json_int_t)(ns / 1000);
}

static void remember(struct invoke_stats *s, uint64_t took_ns)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->took_ns = realloc(s->took_ns, s->capacity * sizeof *s->took_ns);
        CHECK(s->took_ns);
    }
    s->took_ns[s->count++] = took_ns;
}

void invoke_stats_add(struct invoke_stats *s, const char *function, const struct play *play, bool json)
{
    const char *result = play_outcome_name(play->outcome);
    double ms = (double)play->took_ns / MS;
    remember(s, play->took_ns);
    if (json)
        message_json_print(json_pack("{s:s, s:I, s:I}", "result", result, "time_us", us(play->took_ns),
                                     "peak_bytes", (json_int_t)play->peak_bytes));
    else if (play->peak_bytes)
        log_info("%s: %s in %.3f ms, %llu KiB at most", function, result, ms,
                 (unsigned long long)play->peak_bytes / 1024);
    else
        log_info("%s: %s in %.3f ms", function, result, ms);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void invoke_stats_finish(struct invoke_stats *s, bool json)
{
    if (s->count > 1) {
        qsort(s->took_ns, s->count, sizeof *s->took_ns, compare);
        uint64_t median = s->took_ns[s->count / 2], p99 = s->took_ns[s->count * 99 / 100],
                 most = s->took_ns[s->count - 1];
        if (json)
            message_json_print(json_pack("{s:I, s:I, s:I, s:I}", "messages", (json_int_t)s->count,
                                         "median_us", us(median), "p99_us", us(p99), "max_us", us(most)));
        else
            log_info("%zu messages: median %.3f ms, 99th percentile %.3f ms, longest %.3f ms", s->count,
                     (double)median / MS, (double)p99 / MS, (double)most / MS);
    }
    free(s->took_ns);
}

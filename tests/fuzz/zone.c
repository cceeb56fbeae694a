/* zone.c: a cron line, a newline and a TZif file: neither may crash or loop, whatever they hold; segments
 * have no gaps, and the next time is later than the one before it. */
#include "fuzz.h"

#include "schedule/cron.h"

enum { STEPS = 16 };

static const int64_t YEAR_S = 366 * 86400LL;

static void check_segments(const struct zone *z)
{
    struct zone_segment s = zone_segment_at(z, -70 * YEAR_S);
    for (int i = 0; i < STEPS && s.end < 70 * YEAR_S; i++) {
        struct zone_segment next = zone_segment_at(z, s.end);
        CHECK(next.start == s.end && next.end > next.start);
        CHECK(next.offset_s >= -ZONE_OFFSET_MAX_S && next.offset_s <= ZONE_OFFSET_MAX_S);
        s = next;
    }
}

static void check_cron(const struct cron *c, const struct zone *z)
{
    int64_t t = 50 * YEAR_S;
    for (int i = 0; i < STEPS && t != CRON_NEVER; i++) {
        int64_t next = cron_next(c, z, t);
        CHECK(next > t);
        t = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag = {0};
    struct cron cron;
    struct zone *z = NULL;
    const char *why;
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    size_t len = newline ? (size_t)(newline - data) : size;
    bool has_cron = cron_parse(slice_make(data, len), &cron, &diag) == 0;
    CHECK(has_cron || (diag.text[0] && diag.column >= 1 && diag.column <= len + 1));
    if (newline && zone_parse(slice_make(newline + 1, size - len - 1), &z, &why) == 0)
        check_segments(z);
    if (has_cron)
        check_cron(&cron, z);
    zone_free(z);
    return 0;
}

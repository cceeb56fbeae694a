#include "cli/moment.h"

#include "shared/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { YEAR_MAX = 2500, FRACTION_DIGITS = 9 };

const char *moment_format(struct timespec moment, char buffer[MOMENT_TEXT_BYTES])
{
    struct tm tm;
    char seconds[32];
    gmtime_r(&moment.tv_sec, &tm);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buffer, MOMENT_TEXT_BYTES, "%s.%03ldZ", seconds, moment.tv_nsec / (long)NS_PER_MS);
    return buffer;
}

/* `.250Z` or `Z`; the whole rest of the text. */
static int parse_fraction(const char *text, uint64_t *ret_ns)
{
    uint64_t ns = 0, unit = NS_PER_S;
    size_t digits = *text == '.' ? strspn(text + 1, "0123456789") : 0;
    if (*text == '.' && (digits < 1 || digits > FRACTION_DIGITS))
        return -EINVAL;
    for (size_t i = 0; i < digits; i++) {
        unit /= 10;
        ns += unit * (uint64_t)(text[1 + i] - '0');
    }
    if (strcmp(text + (digits ? digits + 1 : 0), "Z") != 0)
        return -EINVAL;
    *ret_ns = ns;
    return 0;
}

int moment_parse(const char *text, uint64_t *ret_ns)
{
    struct tm tm = {0}, again;
    uint64_t fraction_ns;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || rest - text != sizeof "2026-11-22T16:46:28" - 1 || parse_fraction(rest, &fraction_ns) < 0)
        return -EINVAL;
    int day = tm.tm_mday;
    time_t seconds = timegm(&tm);
    /* strptime(3) takes the 31st of each month, and two digits for any number. */
    if (seconds < 0 || tm.tm_year + 1900 > YEAR_MAX || !gmtime_r(&seconds, &again) || again.tm_mday != day)
        return -EINVAL;
    *ret_ns = (uint64_t)seconds * NS_PER_S + fraction_ns;
    return 0;
}

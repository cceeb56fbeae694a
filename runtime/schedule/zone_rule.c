#include "schedule/zone_rule.h"

#include "schedule/civil.h"

#include <errno.h>

enum { RULE_HOURS_MAX = 167, OFFSET_HOURS_MAX = 24, NAME_MIN = 3 };

/* ---- reading ---- */

static char peek(struct slice text)
{
    return text.len ? text.data[0] : '\0';
}

static bool take(struct slice *text, char c)
{
    if (peek(*text) != c || !text->len)
        return false;
    text->data++;
    text->len--;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_number(struct slice *text, int min, int max, int *ret_number)
{
    int number = 0, digits = 0;
    for (; is_digit(peek(*text)) && digits < 4; digits++) {
        number = number * 10 + (peek(*text) - '0');
        text->data++;
        text->len--;
    }
    *ret_number = number;
    return digits > 0 && number >= min && number <= max;
}

/* Letters, or <letters, digits, + and ->. */
static bool take_name(struct slice *text)
{
    bool quoted = take(text, '<');
    size_t len = 0;
    while (len < text->len && (is_letter(text->data[len]) ||
                               (quoted && (is_digit(text->data[len]) || strchr("+-", text->data[len])))))
        len++;
    *text = slice_make(text->data + len, text->len - len);
    return len >= NAME_MIN && (!quoted || take(text, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct slice *text, int hours_max, int32_t *ret_s)
{
    int hours, minutes = 0, seconds = 0;
    bool minus = take(text, '-');
    if (!minus)
        take(text, '+');
    if (!take_number(text, 0, hours_max, &hours))
        return false;
    if (take(text, ':')) {
        if (!take_number(text, 0, 59, &minutes))
            return false;
        if (take(text, ':') && !take_number(text, 0, 59, &seconds))
            return false;
    }
    int32_t s = hours * SECONDS_OF_HOUR + minutes * SECONDS_OF_MINUTE + seconds;
    *ret_s = minus ? -s : s;
    return true;
}

static bool take_day(struct slice *text, struct zone_date *d)
{
    if (take(text, 'M')) {
        d->kind = DATE_WEEKDAY;
        return take_number(text, 1, 12, &d->month) && take(text, '.') && take_number(text, 1, 5, &d->week) &&
               take(text, '.') && take_number(text, 0, 6, &d->weekday);
    }
    if (take(text, 'J')) {
        d->kind = DATE_JULIAN;
        return take_number(text, 1, 365, &d->day);
    }
    d->kind = DATE_ORDINAL;
    return take_number(text, 0, 365, &d->day);
}

static bool take_date(struct slice *text, struct zone_date *d)
{
    *d = (struct zone_date){.time_s = 2 * SECONDS_OF_HOUR};
    if (!take(text, ',') || !take_day(text, d))
        return false;
    return !take(text, '/') || take_time(text, RULE_HOURS_MAX, &d->time_s);
}

/* What TZ says is to be added to local time; an offset is what is added to UTC. */
static bool take_offset(struct slice *text, int32_t *ret_s)
{
    if (!take_time(text, OFFSET_HOURS_MAX, ret_s))
        return false;
    *ret_s = -*ret_s;
    return true;
}

int zone_rule_parse(struct slice text, struct zone_rule *ret_rule)
{
    struct zone_rule r = {0};
    if (!take_name(&text) || !take_offset(&text, &r.standard_s))
        return -EINVAL;
    r.has_summer = text.len > 0;
    r.summer_s = r.standard_s + SECONDS_OF_HOUR;
    if (r.has_summer) {
        if (!take_name(&text) || (peek(text) != ',' && !take_offset(&text, &r.summer_s)) ||
            !take_date(&text, &r.begin) || !take_date(&text, &r.end) || text.len > 0)
            return -EINVAL;
    }
    *ret_rule = r;
    return 0;
}

/* ---- years ---- */

static int64_t weekday_of_month(const struct zone_date *d, int64_t year)
{
    int64_t first = civil_to_days((struct civil){year, d->month, 1});
    int day = 1 + (d->weekday - civil_weekday(first) + 7) % 7 + 7 * (d->week - 1);
    if (day > civil_days_of_month(year, d->month))
        day -= 7;
    return first + day - 1;
}

static int64_t day_in(const struct zone_date *d, int64_t year)
{
    int64_t first = civil_to_days((struct civil){year, 1, 1});
    bool past_leap_day = d->day > 59 && civil_days_of_month(year, 2) == 29;
    switch (d->kind) {
    case DATE_WEEKDAY:
        return weekday_of_month(d, year);
    case DATE_JULIAN:
        return first + d->day - 1 + past_leap_day;
    case DATE_ORDINAL:
        break;
    }
    return first + d->day;
}

struct change {
    int64_t at;
    int32_t offset_s;
    bool to_summer;
};

/* At one moment, the end of a summer stands before the begin of the next: that is summer time all year. */
static bool before(const struct change *a, const struct change *b)
{
    return a->at != b->at ? a->at < b->at : !a->to_summer && b->to_summer;
}

static void insert(struct change *changes, size_t count, struct change c)
{
    size_t i = count;
    for (; i > 0 && before(&c, &changes[i - 1]); i--)
        changes[i] = changes[i - 1];
    changes[i] = c;
}

struct zone_segment zone_rule_segment_at(const struct zone_rule *rule, int64_t t)
{
    enum { YEARS = 4 }; /* hours of up to a week reach into the years beside */
    struct change changes[2 * YEARS];
    struct zone_segment s = {INT64_MIN, INT64_MAX, rule->standard_s};
    int64_t year = civil_of_days(floor_divide(t, SECONDS_OF_DAY)).year - 1;
    if (!rule->has_summer)
        return s;
    for (size_t i = 0; i < YEARS; i++, year++) {
        int64_t begin = day_in(&rule->begin, year) * SECONDS_OF_DAY + rule->begin.time_s - rule->standard_s;
        int64_t end = day_in(&rule->end, year) * SECONDS_OF_DAY + rule->end.time_s - rule->summer_s;
        insert(changes, 2 * i, (struct change){begin, rule->summer_s, true});
        insert(changes, 2 * i + 1, (struct change){end, rule->standard_s, false});
    }
    for (size_t i = 0; i < 2 * YEARS; i++) {
        if (changes[i].at > t) {
            s.end = changes[i].at;
            break;
        }
        s.start = changes[i].at;
        s.offset_s = changes[i].offset_s;
    }
    return s;
}

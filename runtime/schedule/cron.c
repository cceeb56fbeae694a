#include "schedule/cron.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

enum { FIELDS = 5, NAME_LEN = 3 };

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct field {
    const char *name;
    unsigned min, max;
    const char *const *names; /* of min, min + 1, …; NULL: numbers only */
    size_t name_count;
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY };

static const struct field fields[FIELDS] = {
    [MINUTE] = {"minute", 0, 59, NULL, 0},
    [HOUR] = {"hour", 0, 23, NULL, 0},
    [DAY] = {"day of the month", 1, 31, NULL, 0},
    [MONTH] = {"month", 1, 12, month_names, 12},
    [WEEKDAY] = {"day of the week", 0, 7, weekday_names, 7},
};

static const struct {
    const char *word, *means;
} words[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

struct reader {
    struct slice text; /* all of it */
    const struct field *field;
    struct diag *diag;
};

#define COMPLAIN(r, at, ...)                                                                                 \
    (diag_set((r)->diag, NULL, 0, (unsigned)((at) - (r)->text.data) + 1, __VA_ARGS__), -EINVAL)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- one value ---- */

static int find_name(const struct field *f, struct slice text)
{
    for (size_t i = 0; i < f->name_count; i++) {
        if (text.len == NAME_LEN && strncasecmp(text.data, f->names[i], NAME_LEN) == 0)
            return (int)(f->min + i);
    }
    return -1;
}

static int find_number(struct slice text)
{
    int number = 0;
    if (text.len == 0 || text.len > 4)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return -1;
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

static int read_value(const struct reader *r, struct slice text, unsigned *ret_value)
{
    const struct field *f = r->field;
    int value = find_name(f, text);
    if (value < 0)
        value = find_number(text);
    if (value < (int)f->min || value > (int)f->max)
        return COMPLAIN(r, text.data, "'%.*s' is no %s: write %u to %u%s", SLICE_ARG(text), f->name, f->min,
                        f->max, f->names ? ", or a name of three letters" : "");
    *ret_value = (unsigned)value;
    return 0;
}

/* ---- one item: *, 5, 1-5, and either with /2 ---- */

static int read_range(const struct reader *r, struct slice text, unsigned *ret_from, unsigned *ret_to)
{
    const char *dash = memchr(text.data, '-', text.len);
    struct slice first = slice_make(text.data, dash ? (size_t)(dash - text.data) : text.len);
    int error = read_value(r, first, ret_from);
    *ret_to = *ret_from;
    if (error || !dash)
        return error;
    struct slice last = slice_make(dash + 1, text.len - first.len - 1);
    error = read_value(r, last, ret_to);
    if (error)
        return error;
    if (r->field == &fields[WEEKDAY] && *ret_to == 0 && *ret_from > 0)
        *ret_to = 7; /* fri-sun */
    if (*ret_to < *ret_from)
        return COMPLAIN(r, text.data, "'%.*s' ends before it begins: write two ranges with a comma between",
                        SLICE_ARG(text));
    return 0;
}

static int read_step(const struct reader *r, struct slice item, const char *slash, unsigned *ret_step)
{
    const struct field *f = r->field;
    int step = find_number(slice_make(slash + 1, item.len - (size_t)(slash - item.data) - 1));
    if (step < 1 || step > (int)(f->max - f->min))
        return COMPLAIN(r, slash + 1, "the step of '%.*s' is not within the %ss: write 1 to %u after the /",
                        SLICE_ARG(item), f->name, f->max - f->min);
    *ret_step = (unsigned)step;
    return 0;
}

static int read_item(const struct reader *r, struct slice item, uint64_t *bits)
{
    const struct field *f = r->field;
    unsigned from = f->min, to = f->max == 7 ? 6 : f->max, step = 1;
    const char *slash = memchr(item.data, '/', item.len);
    struct slice range = slice_make(item.data, slash ? (size_t)(slash - item.data) : item.len);
    bool all = range.len == 1 && range.data[0] == '*';
    int error = all ? 0 : read_range(r, range, &from, &to);
    if (error)
        return error;
    if (slash && !all && !memchr(range.data, '-', range.len))
        return COMPLAIN(r, item.data, "'%.*s' has a step and no range: write %.*s-%u%.*s", SLICE_ARG(item),
                        SLICE_ARG(range), f->max, (int)(item.len - range.len), slash);
    if (slash && (error = read_step(r, item, slash, &step)))
        return error;
    for (unsigned n = from; n <= to; n += step)
        *bits |= 1ull << n;
    return 0;
}

/* ---- one field: items with commas between ---- */

static int read_field(struct reader *r, struct slice text, uint64_t *ret_bits)
{
    *ret_bits = 0;
    for (;;) {
        const char *comma = memchr(text.data, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.data) : text.len;
        if (len == 0)
            return COMPLAIN(r, text.data,
                            "something is missing in the %s beside a comma: write for instance 1,3",
                            r->field->name);
        int error = read_item(r, slice_make(text.data, len), ret_bits);
        if (error || !comma)
            return error;
        text = slice_make(comma + 1, text.len - len - 1);
    }
}

/* ---- all of it ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* How many fields there are; at most FIELDS of them are filled in. */
static size_t split(struct slice text, struct slice pieces[FIELDS])
{
    size_t count = 0, i = 0;
    while (i < text.len) {
        size_t start = i;
        while (i < text.len && !is_space(text.data[i]))
            i++;
        if (i > start && count++ < FIELDS)
            pieces[count - 1] = slice_make(text.data + start, i - start);
        while (i < text.len && is_space(text.data[i]))
            i++;
    }
    return count;
}

static int expand_word(struct reader *r)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (slice_equal(r->text, slice_of(words[i].word))) {
            r->text = slice_of(words[i].means);
            return 0;
        }
    }
    return COMPLAIN(r, r->text.data,
                    "'%.*s' is unknown: write @hourly, @daily, @weekly, @monthly or @yearly, or five fields",
                    SLICE_ARG(r->text));
}

static int read_fields(struct reader *r, struct cron *c)
{
    struct slice pieces[FIELDS];
    uint64_t bits[FIELDS];
    size_t count = split(r->text, pieces);
    if (count != FIELDS)
        return COMPLAIN(r, r->text.data,
                        "%zu field%s: write five, minute, hour, day of the month, month and day of the week, "
                        "for instance 0 6 * * *",
                        count, count == 1 ? "" : "s");
    for (size_t i = 0; i < FIELDS; i++) {
        r->field = &fields[i];
        int error = read_field(r, pieces[i], &bits[i]);
        if (error)
            return error;
    }
    uint32_t weekdays = (uint32_t)bits[WEEKDAY];
    *c = (struct cron){.minutes = bits[MINUTE],
                       .hours = (uint32_t)bits[HOUR],
                       .days = (uint32_t)bits[DAY],
                       .months = (uint32_t)bits[MONTH],
                       .weekdays = (weekdays | weekdays >> 7) & 0x7f,
                       .any_day = pieces[DAY].data[0] == '*',
                       .any_weekday = pieces[WEEKDAY].data[0] == '*'};
    return 0;
}

int cron_parse(struct slice text, struct cron *ret_cron, struct diag *diag)
{
    struct reader r = {.text = text, .diag = diag};
    struct cron c;
    if (text.len > CRON_TEXT_MAX)
        return COMPLAIN(&r, text.data, "%zu bytes are too long: write at most %d", text.len, CRON_TEXT_MAX);
    int error = text.len > 0 && text.data[0] == '@' ? expand_word(&r) : 0;
    if (!error)
        error = read_fields(&r, &c);
    if (error)
        return error;
    if (cron_next_local(&c, 0) == CRON_NEVER)
        return COMPLAIN(&r, r.text.data, "that day never comes: no such month has as many days");
    *ret_cron = c;
    return 0;
}

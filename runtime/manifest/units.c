#include "manifest/units.h"

#include "shared/clock.h"

#include <errno.h>
#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* From small to large; the first entry is the smallest that can be written. */
static const struct unit durations[] = {
    {"ms", NS_PER_MS},      {"s", NS_PER_S},         {"m", 60 * NS_PER_S},
    {"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S}, {NULL, 0},
};

static const struct unit sizes[] = {
    {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {NULL, 0},
};

static const struct unit rates[] = {
    {"B/s", 1}, {"KiB/s", 1024}, {"MiB/s", 1024 * 1024}, {"GiB/s", 1024 * 1024 * 1024}, {NULL, 0},
};

static const struct unit percents[] = {{"%", 1}, {NULL, 0}};

static const struct unit counts[] = {{"", 1}, {NULL, 0}};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at the start of text. Says how many; *ret_overflow when they do not fit. */
static size_t read_digits(struct slice text, uint64_t *ret_value, bool *ret_overflow)
{
    uint64_t value = 0;
    size_t i = 0;

    *ret_overflow = false;
    for (; i < text.len && is_digit(text.data[i]); i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
            *ret_overflow = true;
    }
    *ret_value = value;
    return i;
}

static const struct unit *find_unit(const struct unit *units, struct slice name)
{
    for (; units->name; units++) {
        if (slice_equal(name, slice_of(units->name)))
            return units;
    }
    return NULL;
}

static const char *why_no_number(struct slice text)
{
    if (text.len == 0)
        return "is empty";
    if (text.data[0] == '-')
        return "is negative";
    return "does not begin with a digit";
}

static const char *why_no_unit(const struct unit *units, struct slice rest)
{
    if (rest.len == 0)
        return "has no unit";
    if (rest.data[0] == '.' || rest.data[0] == ',')
        return "is not a whole number";
    if (rest.data[0] == ' ' || rest.data[0] == '\t')
        return "has a space in it";
    return units == counts ? "has more than digits" : "has an unknown unit";
}

static int parse(const struct unit *units, struct slice text, uint64_t *ret_value, const char **ret_why)
{
    uint64_t value;
    bool overflow;
    size_t digits = read_digits(text, &value, &overflow);
    if (digits == 0) {
        *ret_why = why_no_number(text);
        return -EINVAL;
    }
    struct slice rest = slice_make(text.data + digits, text.len - digits);
    const struct unit *unit = find_unit(units, rest);
    if (!unit) {
        *ret_why = why_no_unit(units, rest);
        return -EINVAL;
    }
    if (overflow || __builtin_mul_overflow(value, unit->factor, &value)) {
        *ret_why = "is too large";
        return -ERANGE;
    }
    *ret_value = value;
    return 0;
}

int units_parse_duration(struct slice text, uint64_t *ret_ns, const char **ret_why)
{
    return parse(durations, text, ret_ns, ret_why);
}

int units_parse_size(struct slice text, uint64_t *ret_bytes, const char **ret_why)
{
    return parse(sizes, text, ret_bytes, ret_why);
}

int units_parse_rate(struct slice text, uint64_t *ret_bytes, const char **ret_why)
{
    return parse(rates, text, ret_bytes, ret_why);
}

int units_parse_count(struct slice text, uint64_t *ret_count, const char **ret_why)
{
    return parse(counts, text, ret_count, ret_why);
}

int units_parse_percent(struct slice text, uint64_t *ret_percent, const char **ret_why)
{
    return parse(percents, text, ret_percent, ret_why);
}

static const char *format(const struct unit *units, uint64_t value, const char *zero, char *buffer)
{
    const struct unit *best = units;
    if (value == 0) {
        snprintf(buffer, UNITS_TEXT_MAX, "%s", zero);
        return buffer;
    }
    for (; units->name; units++) {
        if (value % units->factor == 0)
            best = units;
    }
    snprintf(buffer, UNITS_TEXT_MAX, "%llu%s", (unsigned long long)(value / best->factor), best->name);
    return buffer;
}

const char *units_format_duration(uint64_t ns, char buffer[UNITS_TEXT_MAX])
{
    return format(durations, ns, "0s", buffer);
}

const char *units_format_size(uint64_t bytes, char buffer[UNITS_TEXT_MAX])
{
    return format(sizes, bytes, "0B", buffer);
}

const char *units_format_rate(uint64_t bytes, char buffer[UNITS_TEXT_MAX])
{
    return format(rates, bytes, "0B/s", buffer);
}

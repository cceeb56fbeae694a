#include "manifest/keys.h"

#include "manifest/units.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdio.h>

static const struct {
    const char *name, *unit;
} types[KEY_TYPES] = {
    [KEY_TEXT] = {"text", ""},
    [KEY_PATTERN] = {"topic filter", ""},
    [KEY_TOPIC] = {"topic", ""},
    [KEY_DURATION] = {"duration", "ms s m h d"},
    [KEY_SECONDS] = {"duration", "s m h d"},
    [KEY_SIZE] = {"size", "B KiB MiB GiB"},
    [KEY_RATE] = {"rate", "B/s KiB/s MiB/s GiB/s"},
    [KEY_COUNT] = {"whole number", ""},
    [KEY_PERCENT] = {"percentage", "%"},
    [KEY_CHOICE] = {"word", ""},
    [KEY_ORDER] = {"word", ""},
    [KEY_MAP] = {"keys", ""},
    [KEY_MAPS] = {"list", ""},
    [KEY_NAMED] = {"keys", ""},
    [KEY_PATTERNS] = {"list", ""},
    [KEY_PAIRS] = {"keys", ""},
    [KEY_GRANTS] = {"list", ""},
    [KEY_NETWORK] = {"word or keys", ""},
    [KEY_PORTS] = {"list", ""},
    [KEY_PATHS] = {"list", ""},
    [KEY_TEXTS] = {"list", ""},
    [KEY_ONE_OR_MAPS] = {"keys, or a list", ""},
    [KEY_ANY] = {"any value", ""},
};

const char *key_type_name(enum key_type type)
{
    return types[type].name;
}

const char *key_unit(enum key_type type)
{
    return types[type].unit;
}

const struct key *keys_find(const struct keys *keys, struct slice name)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (slice_equal(name, slice_of(keys->list[i].name)))
            return &keys->list[i];
    }
    return NULL;
}

static int word_number(const struct key *key, struct slice text, uint64_t *ret_number, const char **ret_why)
{
    for (const struct key_word *w = key->words; w->word; w++) {
        if (slice_equal(text, slice_of(w->word))) {
            *ret_number = w->value;
            return 0;
        }
    }
    *ret_why = "is not one of the words allowed";
    return -EINVAL;
}

static int seconds_number(struct slice text, uint64_t *ret_ns, const char **ret_why)
{
    uint64_t ns;
    int r = units_parse_duration(text, &ns, ret_why);
    if (r == 0 && ns % NS_PER_S != 0) {
        *ret_why = "is not a number of whole seconds";
        return -EINVAL;
    }
    if (r == 0)
        *ret_ns = ns;
    return r;
}

int key_number(const struct key *key, struct slice text, uint64_t *ret_number, const char **ret_why)
{
    switch (key->type) {
    case KEY_DURATION:
        return units_parse_duration(text, ret_number, ret_why);
    case KEY_SECONDS:
        return seconds_number(text, ret_number, ret_why);
    case KEY_SIZE:
        return units_parse_size(text, ret_number, ret_why);
    case KEY_RATE:
        return units_parse_rate(text, ret_number, ret_why);
    case KEY_COUNT:
        return units_parse_count(text, ret_number, ret_why);
    case KEY_PERCENT:
        return units_parse_percent(text, ret_number, ret_why);
    default:
        return word_number(key, text, ret_number, ret_why);
    }
}

const char *key_format(const struct key *key, uint64_t number, char buffer[KEY_FORMATTED_MAX])
{
    _Static_assert((int)KEY_FORMATTED_MAX >= (int)UNITS_TEXT_MAX, "units write this much");
    if (key->type == KEY_DURATION || key->type == KEY_SECONDS)
        return units_format_duration(number, buffer);
    if (key->type == KEY_SIZE)
        return units_format_size(number, buffer);
    if (key->type == KEY_RATE)
        return units_format_rate(number, buffer);
    snprintf(buffer, KEY_FORMATTED_MAX, "%llu%s", (unsigned long long)number,
             key->type == KEY_PERCENT ? "%" : "");
    return buffer;
}

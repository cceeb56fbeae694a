#include "shared/topic.h"

#include "shared/utf8.h"

#include <errno.h>
#include <stdint.h>

/* Cuts the first level off *rest; false when there is none left. Levels are short: a loop beats memchr(3). */
static inline bool next_level(struct slice *rest, struct slice *ret_level)
{
    if (!rest->data)
        return false;
    size_t len = 0;
    while (len < rest->len && rest->data[len] != '/')
        len++;
    *ret_level = slice_make(rest->data, len);
    *rest = len == rest->len ? (struct slice){0} : slice_make(rest->data + len + 1, rest->len - len - 1);
    return true;
}

static bool contains(struct slice text, char c)
{
    return text.len && memchr(text.data, c, text.len);
}

static bool is_single(struct slice level, char c)
{
    return level.len == 1 && level.data[0] == c;
}

static bool is_named(struct slice level)
{
    return level.len >= 3 && level.data[0] == '{' && level.data[level.len - 1] == '}';
}

static struct slice name_of(struct slice level)
{
    return slice_make(level.data + 1, level.len - 2);
}

/* Matches any one level. */
static bool is_any(struct slice level)
{
    return is_single(level, '+') || is_named(level);
}

static bool starts_with_dollar(struct slice text)
{
    return text.len && text.data[0] == '$';
}

static bool starts_with_wildcard(struct slice pattern)
{
    struct slice first;
    return next_level(&pattern, &first) && (is_any(first) || is_single(first, '#'));
}

#define EACH_BYTE(value) (0x0101010101010101ull * (value))

static uint64_t load_eight(const char *eight)
{
    uint64_t word;
    memcpy(&word, eight, sizeof word);
    return word;
}

static bool has_zero_byte(uint64_t word)
{
    return ((word - EACH_BYTE(0x01)) & ~word & EACH_BYTE(0x80)) != 0;
}

/* Is one of the eight a + or a #? They differ in one bit, so setting it makes one test of two. */
static bool eight_have_wildcard(uint64_t word)
{
    return has_zero_byte((word | EACH_BYTE('+' ^ '#')) ^ EACH_BYTE('+'));
}

static bool has_wildcard(struct slice text)
{
    size_t at = 0;
    for (; text.len - at >= 8; at += 8) {
        if (eight_have_wildcard(load_eight(text.data + at)))
            return true;
    }
    if (at > 0)
        return at < text.len && eight_have_wildcard(load_eight(text.data + text.len - 8));
    return contains(text, '+') || contains(text, '#');
}

bool topic_name_valid(struct slice topic)
{
    return topic.len >= 1 && topic.len <= TOPIC_MAX && !has_wildcard(topic) && utf8_valid(topic);
}

/* ---- checking a pattern ---- */

struct checker {
    struct slice pattern;
    struct slice level;
    bool last;
    size_t name_count;
    struct slice names[TOPIC_CAPTURES_MAX];
    struct diag *diag;
};

#define COMPLAIN(c, ...)                                                                                     \
    (diag_set((c)->diag, NULL, 0, (unsigned)((c)->level.data - (c)->pattern.data) + 1, __VA_ARGS__), -EINVAL)

static bool is_name_character(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (!first && ((c >= '0' && c <= '9') || c == '_'));
}

static bool name_well_formed(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_character(name.data[i], i == 0))
            return false;
    }
    return name.len > 0;
}

static int check_name(struct checker *c)
{
    struct slice name = is_named(c->level) ? name_of(c->level) : (struct slice){0};
    if (!name_well_formed(name))
        return COMPLAIN(c, "'%.*s' is no named level: write {name} as a whole level, the name of a-z, 0-9, _",
                        SLICE_ARG(c->level));
    if (name.len > TOPIC_CAPTURE_NAME_MAX)
        return COMPLAIN(c, "the name '%.*s' is longer than %d bytes: shorten it", SLICE_ARG(name),
                        TOPIC_CAPTURE_NAME_MAX);
    for (size_t i = 0; i < c->name_count; i++) {
        if (slice_equal(name, c->names[i]))
            return COMPLAIN(c, "the name '%.*s' comes twice: give each level its own", SLICE_ARG(name));
    }
    if (c->name_count == TOPIC_CAPTURES_MAX)
        return COMPLAIN(c, "more than %d named levels: write + for those you do not need",
                        TOPIC_CAPTURES_MAX);
    c->names[c->name_count++] = name;
    return 0;
}

static int check_level(struct checker *c)
{
    if (contains(c->level, '#') && !is_single(c->level, '#'))
        return COMPLAIN(c, "'#' must be a whole level: write '.../#'"); /* MQTT-4.7.1-1 */
    if (contains(c->level, '#') && !c->last)
        return COMPLAIN(c, "'#' must be the last level: write '+' for one level"); /* MQTT-4.7.1-1 */
    if (contains(c->level, '+') && !is_single(c->level, '+'))
        return COMPLAIN(c, "'+' must be a whole level: write 'a/+/b'"); /* MQTT-4.7.1-2 */
    if (contains(c->level, '{') || contains(c->level, '}'))
        return check_name(c);
    return 0;
}

static int check_whole(struct checker *c)
{
    static const char share[] = "$share/";
    if (c->pattern.len == 0)
        return COMPLAIN(c, "the topic is empty: write one such as home/+/temperature"); /* MQTT-4.7.3-1 */
    if (c->pattern.len > TOPIC_MAX)
        return COMPLAIN(c, "the topic is longer than %d bytes: shorten it", TOPIC_MAX); /* MQTT-4.7.3-3 */
    if (!utf8_valid(c->pattern))
        return COMPLAIN(c, "the topic is not UTF-8, or holds a NUL"); /* MQTT-4.7.3-2 */
    if (c->pattern.len >= sizeof share - 1 && memcmp(c->pattern.data, share, sizeof share - 1) == 0)
        return COMPLAIN(c, "a topic has no '$share/GROUP/' in front: write the topic alone");
    return 0;
}

int topic_pattern_check(struct slice pattern, struct diag *diag)
{
    struct checker c = {.pattern = pattern, .level = pattern, .diag = diag};
    int r = check_whole(&c);
    while (r == 0 && next_level(&pattern, &c.level)) {
        c.last = !pattern.data;
        r = check_level(&c);
    }
    return r;
}

/* ---- using a checked pattern ---- */

size_t topic_pattern_to_filter(struct slice pattern, char *buffer)
{
    char *at = buffer;
    struct slice level;
    while (next_level(&pattern, &level)) {
        if (is_named(level))
            level = slice_of("+");
        memcpy(at, level.data, level.len);
        at += level.len;
        if (pattern.data)
            *at++ = '/';
    }
    *at = '\0';
    return (size_t)(at - buffer);
}

static bool bound_to_other(struct slice level, struct slice value, const struct topic_captures *bound)
{
    for (size_t i = 0; bound && i < bound->count; i++) {
        if (slice_equal(bound->items[i].name, name_of(level)))
            return !slice_equal(bound->items[i].value, value);
    }
    return false;
}

static bool level_matches(struct slice level, struct slice value, const struct topic_captures *bound)
{
    if (is_named(level))
        return !bound_to_other(level, value, bound);
    return is_single(level, '+') || slice_equal(level, value);
}

static void capture(struct slice level, struct slice value, struct topic_captures *captures)
{
    if (captures && is_named(level) && captures->count < TOPIC_CAPTURES_MAX)
        captures->items[captures->count++] = (struct topic_capture){name_of(level), value};
}

static bool starts_wildcard(char c)
{
    return c == '{' || c == '+' || c == '#';
}

static bool eight_are_same_and_plain(const char *pattern, const char *topic)
{
    uint64_t word = load_eight(pattern);
    return word == load_eight(topic) && !eight_have_wildcard(word) && !has_zero_byte(word ^ EACH_BYTE('{'));
}

/* Bytes of the levels in front that are the same, letter by letter: most of a topic mostly is. A level that
 * may be a wildcard ends them. */
static size_t same_levels(struct slice pattern, struct slice topic)
{
    size_t most = pattern.len < topic.len ? pattern.len : topic.len, same = 0;
    while (most - same >= 8 && eight_are_same_and_plain(pattern.data + same, topic.data + same))
        same += 8;
    while (same < most && pattern.data[same] == topic.data[same] && !starts_wildcard(pattern.data[same]))
        same++;
    while (same > 0 && pattern.data[same - 1] != '/')
        same--;
    return same;
}

static void skip(struct slice *text, size_t bytes)
{
    *text = slice_make(text->data + bytes, text->len - bytes);
}

/* What was captured before a level that differs stays in *captures. */
static bool match(struct slice pattern, struct slice topic, const struct topic_captures *bound,
                  struct topic_captures *captures)
{
    struct slice level, value;
    if (topic.len == 0 || (starts_with_dollar(topic) && starts_with_wildcard(pattern)))
        return false; /* MQTT-4.7.3-1, MQTT-4.7.2-1 */
    size_t same = same_levels(pattern, topic);
    skip(&pattern, same);
    skip(&topic, same);
    while (next_level(&pattern, &level)) {
        if (is_single(level, '#'))
            return true; /* also for its parent, when the topic has ended */
        if (!next_level(&topic, &value) || !level_matches(level, value, bound))
            return false;
        capture(level, value, captures);
    }
    return !topic.data;
}

bool topic_match(struct slice pattern, struct slice topic, struct topic_captures *ret_captures)
{
    if (ret_captures)
        ret_captures->count = 0;
    bool matched = match(pattern, topic, NULL, ret_captures);
    if (ret_captures && !matched)
        ret_captures->count = 0;
    return matched;
}

bool topic_match_bound(struct slice pattern, struct slice topic, const struct topic_captures *bound)
{
    return match(pattern, topic, bound, NULL);
}

/* One pattern matches no `$` topic, the other nothing else. */
static bool kept_apart_by_dollar(struct slice a, struct slice b)
{
    return starts_with_dollar(a) && starts_with_wildcard(b);
}

/* The parent of `/#` is the empty topic, which no message has (MQTT-4.7.3-1), and a single level is all that
 * the other pattern matches. */
static bool share_only_the_empty_topic(struct slice a, struct slice b)
{
    return slice_equal(a, slice_of("/#")) && !contains(b, '/') && is_any(b);
}

bool topic_patterns_overlap(struct slice a, struct slice b)
{
    struct slice level_a, level_b;
    if (kept_apart_by_dollar(a, b) || kept_apart_by_dollar(b, a))
        return false;
    if (share_only_the_empty_topic(a, b) || share_only_the_empty_topic(b, a))
        return false;
    for (;;) {
        bool more_a = next_level(&a, &level_a), more_b = next_level(&b, &level_b);
        if ((more_a && is_single(level_a, '#')) || (more_b && is_single(level_b, '#')) ||
            (!more_a && !more_b))
            return true;
        if (more_a != more_b)
            return false;
        if (!is_any(level_a) && !is_any(level_b) && !slice_equal(level_a, level_b))
            return false;
    }
}

bool topic_pattern_has_name(struct slice pattern, struct slice name)
{
    struct slice level;
    while (next_level(&pattern, &level)) {
        if (is_named(level) && slice_equal(name_of(level), name))
            return true;
    }
    return false;
}

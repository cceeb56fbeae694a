/* topic.c: a pattern, a newline and a topic: a checked pattern, the filter made of it, matching, captures and
 * overlap must agree with one another. */
#include "fuzz.h"

#include "shared/topic.h"

#include <errno.h>
#include <stdlib.h>

static void check_refusal(const struct diag *diag, struct slice pattern)
{
    CHECK(diag->text[0] && diag->column >= 1 && diag->column <= pattern.len + 1);
}

static void check_captures(struct slice pattern, struct slice topic, const struct topic_captures *captures)
{
    for (size_t i = 0; i < captures->count; i++) {
        CHECK(topic_pattern_has_name(pattern, captures->items[i].name));
        CHECK(captures->items[i].value.len <= topic.len);
    }
    CHECK(topic_match_bound(pattern, topic, captures));
}

static void check_match(struct slice pattern, struct slice filter, struct slice topic)
{
    struct topic_captures captures;
    bool matches = topic_match(pattern, topic, &captures);
    CHECK(matches == topic_match(filter, topic, NULL));
    CHECK(matches == topic_match_bound(pattern, topic, NULL));
    if (matches)
        check_captures(pattern, topic, &captures);
    /* a topic without braces is a pattern that matches only itself */
    if (topic.len && !memchr(topic.data, '{', topic.len) && topic_name_valid(topic))
        CHECK(matches == topic_patterns_overlap(pattern, topic));
}

static void check_pattern(struct slice pattern, struct slice topic)
{
    struct diag diag;
    char *buffer = must_alloc(pattern.len + 1);
    struct slice filter = slice_make(buffer, topic_pattern_to_filter(pattern, buffer));
    CHECK(filter.len <= pattern.len && buffer[filter.len] == '\0');
    CHECK(topic_pattern_check(filter, &diag) == 0);
    CHECK(topic_patterns_overlap(pattern, filter) && topic_patterns_overlap(filter, pattern));
    check_match(pattern, filter, topic);
    free(buffer);
}

static void check_pair(struct slice a, struct slice b)
{
    struct diag diag;
    if (topic_pattern_check(b, &diag) == 0)
        CHECK(topic_patterns_overlap(a, b) == topic_patterns_overlap(b, a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag = {0};
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    size_t len = newline ? (size_t)(newline - data) : size;
    struct slice pattern = slice_make(data, len);
    struct slice topic = newline ? slice_make(newline + 1, size - len - 1) : (struct slice){0};
    int r = topic_pattern_check(pattern, &diag);
    if (r) {
        CHECK(r == -EINVAL);
        check_refusal(&diag, pattern);
        return 0;
    }
    check_pattern(pattern, topic);
    check_pair(pattern, topic);
    return 0;
}

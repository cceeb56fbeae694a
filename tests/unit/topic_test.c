#include "shared/topic.h"

#include "../support/test.h"

#include <errno.h>
#include <stdlib.h>

static bool matches(const char *pattern, const char *topic)
{
    return topic_match(slice_of(pattern), slice_of(topic), NULL);
}

static bool valid(const char *pattern)
{
    struct diag diag;
    return topic_pattern_check(slice_of(pattern), &diag) == 0;
}

/* ---- section 4.7 of MQTT 5.0, example by example ---- */

static void the_multi_level_wildcard_includes_the_parent(void **unused) /* 4.7.1.2 */
{
    (void)unused;
    assert_true(matches("sport/tennis/player1/#", "sport/tennis/player1"));
    assert_true(matches("sport/tennis/player1/#", "sport/tennis/player1/ranking"));
    assert_true(matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
    assert_false(matches("sport/tennis/player1/#", "sport/tennis/player2"));
    assert_false(matches("sport/tennis/player1/#", "sport/tennis/player11"));
    assert_true(matches("sport/#", "sport"));
    assert_true(matches("#", "sport/tennis"));
}

static void the_multi_level_wildcard_stands_alone_and_last(void **unused) /* MQTT-4.7.1-1 */
{
    (void)unused;
    assert_true(valid("#"));
    assert_true(valid("sport/tennis/#"));
    assert_false(valid("sport/tennis#"));
    assert_false(valid("sport/tennis/#/ranking"));
    assert_false(valid("#/"));
    assert_false(valid("##"));
}

static void the_single_level_wildcard_is_one_level(void **unused) /* 4.7.1.3 */
{
    (void)unused;
    assert_true(matches("sport/tennis/+", "sport/tennis/player1"));
    assert_true(matches("sport/tennis/+", "sport/tennis/player2"));
    assert_false(matches("sport/tennis/+", "sport/tennis/player1/ranking"));
    assert_false(matches("sport/+", "sport"));
    assert_true(matches("sport/+", "sport/"));
    assert_true(matches("+/tennis/#", "sport/tennis"));
    assert_true(matches("sport/+/player1", "sport/tennis/player1"));
}

static void the_single_level_wildcard_fills_its_level(void **unused) /* MQTT-4.7.1-2 */
{
    (void)unused;
    assert_true(valid("+"));
    assert_true(valid("+/tennis/#"));
    assert_true(valid("sport/+/player1"));
    assert_false(valid("sport+"));
    assert_false(valid("sport/+a"));
    assert_false(valid("++"));
}

static void an_empty_level_is_a_level(void **unused) /* 4.7.1.3, 4.7.3 */
{
    (void)unused;
    assert_true(matches("+/+", "/finance"));
    assert_true(matches("/+", "/finance"));
    assert_false(matches("+", "/finance"));
    assert_false(matches("finance", "/finance"));
    assert_true(matches("/", "/"));
    assert_false(matches("/", "//"));
}

static void dollar_topics_hide_from_leading_wildcards(void **unused) /* MQTT-4.7.2-1 */
{
    (void)unused;
    assert_false(matches("#", "$SYS/monitor/Clients"));
    assert_false(matches("+/monitor/Clients", "$SYS/monitor/Clients"));
    assert_false(matches("{any}/monitor/Clients", "$SYS/monitor/Clients"));
    assert_true(matches("$SYS/#", "$SYS/monitor/Clients"));
    assert_true(matches("$SYS/#", "$SYS"));
    assert_true(matches("$SYS/monitor/+", "$SYS/monitor/Clients"));
    assert_true(matches("a/+", "a/$x"));
}

static void topics_differ_by_case_space_and_normal_form(void **unused) /* 4.7.3, MQTT-4.7.3-4 */
{
    (void)unused;
    assert_false(matches("ACCOUNTS", "Accounts"));
    assert_true(matches("Accounts payable", "Accounts payable"));
    assert_false(matches("caf\xc3\xa9", "cafe\xcc\x81"));
}

static void a_topic_name_has_no_wildcard_and_is_not_empty(void **unused) /* MQTT-4.7.3-1..-3, 3.3.2-2 */
{
    (void)unused;
    char *longest = malloc(65536);
    memset(longest, 'x', 65536);
    assert_true(topic_name_valid(slice_of("a/b/{c}")));
    assert_true(topic_name_valid(slice_of("/")));
    assert_false(topic_name_valid(slice_of("")));
    assert_false(topic_name_valid((struct slice){0}));
    assert_false(topic_name_valid(slice_of("a/+")));
    assert_false(topic_name_valid(slice_of("a#")));
    assert_false(topic_name_valid(slice_make("a\0b", 3)));
    assert_false(topic_name_valid(slice_of("a\xff")));
    assert_true(topic_name_valid(slice_make(longest, 65535)));
    assert_false(topic_name_valid(slice_make(longest, 65536)));
    free(longest);
}

static void a_wildcard_is_seen_wherever_it_stands(void **unused)
{
    (void)unused;
    char text[] = "home/cellar/boiler/pump-12";
    for (size_t len = 1; len < sizeof text; len++) {
        assert_true(topic_name_valid(slice_make(text, len)));
        for (size_t at = 0; at < len; at++) {
            char kept = text[at];
            text[at] = '+';
            assert_false(topic_name_valid(slice_make(text, len)));
            text[at] = '#';
            assert_false(topic_name_valid(slice_make(text, len)));
            text[at] = kept;
        }
    }
}

static void what_looks_like_a_wildcard_bit_by_bit_is_none(void **unused)
{
    (void)unused;
    assert_true(topic_name_valid(slice_of("!!!!!!\"$%&'()*,-./:;<=>?@[]_{}~")));
    assert_true(topic_name_valid(slice_of("\xc2\xa3\xc2\xab\xc2\xa3\xc2\xab")));
}

static void a_topic_may_be_spelled_like_a_pattern(void **unused)
{
    struct topic_captures captures;
    (void)unused;
    assert_true(topic_match(slice_of("a/{n}/b"), slice_of("a/{n}/b"), &captures));
    assert_int_equal(captures.count, 1);
    assert_true(slice_equal(captures.items[0].value, slice_of("{n}")));
}

static void long_levels_match_like_short_ones(void **unused)
{
    struct topic_captures captures;
    (void)unused;
    assert_true(matches("buildings/north/+", "buildings/north/7"));
    assert_true(matches("buildings/#", "buildings"));
    assert_true(matches("building", "building"));
    assert_true(matches("buildings/north", "buildings/north"));
    assert_false(matches("buildings/north", "buildings/north/"));
    assert_false(matches("buildings/north/", "buildings/north"));
    assert_false(matches("buildings/north/+", "buildings/south/7"));
    assert_false(matches("building/+/temperature", "building/7/temperaturf"));
    assert_true(topic_match(slice_of("in/{n}/out/{m}"), slice_of("in/{n}/out/{m}"), &captures));
    assert_int_equal(captures.count, 2);
    assert_true(topic_match(slice_of("a/{name}/b"), slice_of("a/{name}/b"), &captures));
    assert_true(slice_equal(captures.items[0].value, slice_of("{name}")));
}

static void no_topic_at_all_matches_nothing(void **unused)
{
    (void)unused;
    assert_false(topic_match(slice_of("#"), (struct slice){0}, NULL));
    assert_false(matches("+", ""));
}

/* ---- named levels ---- */

static void a_named_level_is_captured(void **unused)
{
    (void)unused;
    struct topic_captures c;
    assert_true(topic_match(slice_of("home/{room}/+/{what}/#"), slice_of("home/kitchen/1/heat/x/y"), &c));
    assert_int_equal(c.count, 2);
    assert_true(slice_equal(c.items[0].name, slice_of("room")));
    assert_true(slice_equal(c.items[0].value, slice_of("kitchen")));
    assert_true(slice_equal(c.items[1].name, slice_of("what")));
    assert_true(slice_equal(c.items[1].value, slice_of("heat")));
}

static void without_a_match_nothing_is_captured(void **unused)
{
    (void)unused;
    struct topic_captures c = {.count = 7};
    assert_false(topic_match(slice_of("home/{room}/x"), slice_of("home/kitchen/y"), &c));
    assert_int_equal(c.count, 0);
}

static void an_empty_level_is_captured_as_empty_not_absent(void **unused)
{
    (void)unused;
    struct topic_captures c;
    assert_true(topic_match(slice_of("home/{room}"), slice_of("home/"), &c));
    assert_int_equal(c.count, 1);
    assert_true(slice_equal(c.items[0].value, slice_of("")));
}

static void a_bound_name_matches_its_value_only(void **unused)
{
    (void)unused;
    struct topic_captures c;
    assert_true(topic_match(slice_of("home/{room}/temperature"), slice_of("home/kitchen/temperature"), &c));
    assert_true(topic_match_bound(slice_of("home/{room}/heater"), slice_of("home/kitchen/heater"), &c));
    assert_false(topic_match_bound(slice_of("home/{room}/heater"), slice_of("home/cellar/heater"), &c));
    assert_false(topic_match_bound(slice_of("home/{room}/heater"), slice_of("home/kitchen2/heater"), &c));
    assert_true(topic_match_bound(slice_of("home/{other}/heater"), slice_of("home/cellar/heater"), &c));
    assert_true(topic_match_bound(slice_of("home/+/heater"), slice_of("home/cellar/heater"), &c));
    assert_true(topic_match_bound(slice_of("home/{room}/heater"), slice_of("home/cellar/heater"), NULL));
}

static void a_filter_has_a_plus_for_each_name(void **unused)
{
    (void)unused;
    static const char pattern[] = "{a}/x//{b_2}/+/#";
    char filter[sizeof pattern];
    assert_int_equal(topic_pattern_to_filter(slice_of(pattern), filter), strlen("+/x//+/+/#"));
    assert_string_equal(filter, "+/x//+/+/#");
    assert_int_equal(topic_pattern_to_filter(slice_of("/"), filter), 1);
    assert_string_equal(filter, "/");
}

static void a_pattern_knows_its_names(void **unused)
{
    (void)unused;
    assert_true(topic_pattern_has_name(slice_of("a/{room}"), slice_of("room")));
    assert_false(topic_pattern_has_name(slice_of("room/{rooms}"), slice_of("room")));
}

static const struct {
    const char *pattern;
    unsigned column;
    const char *word; /* of the complaint */
} complaints[] = {
    {"", 1, "empty"},
    {"a\xff", 1, "UTF-8"},
    {"$share/g/a", 1, "$share"},
    {"a/b#", 3, "'#'"},
    {"a/#/b", 3, "last"},
    {"home/+x/y", 6, "'+'"},
    {"home/{Room}", 6, "{name}"},
    {"home/{}", 6, "{name}"},
    {"home/{1a}", 6, "{name}"},
    {"home/{a-b}", 6, "{name}"},
    {"home/x{room}", 6, "{name}"},
    {"home/{room", 6, "{name}"},
    {"home/room}", 6, "{name}"},
    {"{a}/{b}/{a}", 9, "twice"},
    {"{abcdefghijklmnopqrstuvwxyz0123456}", 1, "longer"},
    {"{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}", 65, "16"},
};

static void a_complaint_says_where_and_what(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof complaints / sizeof *complaints; i++) {
        struct diag diag = {0};
        assert_int_equal(topic_pattern_check(slice_of(complaints[i].pattern), &diag), -EINVAL);
        if (diag.column != complaints[i].column || !strstr(diag.text, complaints[i].word))
            fail_msg("'%s': %u: %s", complaints[i].pattern, diag.column, diag.text);
        assert_int_equal(diag.line, 0);
    }
}

static void what_is_just_within_the_limits_is_fine(void **unused)
{
    (void)unused;
    char *longest = malloc(65536);
    struct diag diag;
    memset(longest, 'x', 65536);
    assert_true(valid("{abcdefghijklmnopqrstuvwxyz012345}"));
    assert_true(valid("{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}"));
    assert_true(valid("$share"));
    assert_int_equal(topic_pattern_check(slice_make(longest, 65535), &diag), 0);
    assert_int_equal(topic_pattern_check(slice_make(longest, 65536), &diag), -EINVAL);
    free(longest);
}

/* ---- against brute force ---- */

/* The n-th text over the alphabet, of exactly len characters. */
static struct slice nth_text(char *text, const char *alphabet, size_t len, size_t n)
{
    size_t base = strlen(alphabet);
    for (size_t i = 0; i < len; i++, n /= base)
        text[i] = alphabet[n % base];
    return slice_make(text, len);
}

static size_t count_texts(const char *alphabet, size_t len)
{
    size_t count = 1;
    while (len--)
        count *= strlen(alphabet);
    return count;
}

/* Matching as the standard tells it, by recursion over characters. */
static bool plainly(const char *p, const char *p_end, const char *t, const char *t_end)
{
    if (p == p_end)
        return t == t_end;
    if (*p == '#')
        return true;
    if (t == t_end && p_end - p == 2 && p[0] == '/' && p[1] == '#')
        return true;
    if (*p == '+')
        return plainly(p + 1, p_end, t, t_end) || (t < t_end && *t != '/' && plainly(p, p_end, t + 1, t_end));
    return t < t_end && *p == *t && plainly(p + 1, p_end, t + 1, t_end);
}

static bool matches_plainly(struct slice p, struct slice t)
{
    if (t.data[0] == '$' && (p.data[0] == '+' || p.data[0] == '#'))
        return false;
    return plainly(p.data, p.data + p.len, t.data, t.data + t.len);
}

enum { PATTERN_LEN = 4, TOPIC_LEN = 5, PATTERNS = 1024, TOPICS = 4096 };
static char pattern_text[PATTERNS][PATTERN_LEN], topic_text[TOPICS][TOPIC_LEN];
static struct slice patterns[PATTERNS], topics[TOPICS];
static size_t pattern_count, topic_count;

static void add_patterns(size_t len)
{
    struct diag diag;
    for (size_t n = 0; n < count_texts("a$/+#", len); n++) {
        struct slice p = nth_text(pattern_text[pattern_count], "a$/+#", len, n);
        if (topic_pattern_check(p, &diag) == 0)
            patterns[pattern_count++] = p;
        assert_in_range(pattern_count, 0, PATTERNS - 1);
    }
}

static int set_up_alphabet(void **unused)
{
    (void)unused;
    for (size_t len = 1; len <= PATTERN_LEN; len++)
        add_patterns(len);
    for (size_t len = 1; len <= TOPIC_LEN; len++) {
        for (size_t n = 0; n < count_texts("ab$/", len); n++, topic_count++)
            topics[topic_count] = nth_text(topic_text[topic_count], "ab$/", len, n);
    }
    return 0;
}

static void matching_agrees_with_the_plain_reading(void **unused)
{
    (void)unused;
    for (size_t p = 0; p < pattern_count; p++) {
        for (size_t t = 0; t < topic_count; t++) {
            if (topic_match(patterns[p], topics[t], NULL) != matches_plainly(patterns[p], topics[t]))
                fail_msg("'%.*s' and '%.*s'", SLICE_ARG(patterns[p]), SLICE_ARG(topics[t]));
        }
    }
}

static bool share_a_topic(struct slice a, struct slice b)
{
    for (size_t t = 0; t < topic_count; t++) {
        if (matches_plainly(a, topics[t]) && matches_plainly(b, topics[t]))
            return true;
    }
    return false;
}

static void patterns_overlap_when_some_topic_matches_both(void **unused)
{
    (void)unused;
    for (size_t a = 0; a < pattern_count; a++) {
        for (size_t b = 0; b <= a; b++) {
            bool overlap = topic_patterns_overlap(patterns[a], patterns[b]);
            if (overlap != share_a_topic(patterns[a], patterns[b]) ||
                overlap != topic_patterns_overlap(patterns[b], patterns[a]))
                fail_msg("'%.*s' and '%.*s'", SLICE_ARG(patterns[a]), SLICE_ARG(patterns[b]));
        }
    }
}

static void names_overlap_like_wildcards(void **unused)
{
    (void)unused;
    assert_true(topic_patterns_overlap(slice_of("home/{room}"), slice_of("{x}/cellar")));
    assert_true(topic_patterns_overlap(slice_of("{x}/#"), slice_of("home")));
    assert_false(topic_patterns_overlap(slice_of("{x}/#"), slice_of("$SYS/y")));
    assert_false(topic_patterns_overlap(slice_of("home/{room}"), slice_of("home/{room}/y")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_multi_level_wildcard_includes_the_parent),
        cmocka_unit_test(the_multi_level_wildcard_stands_alone_and_last),
        cmocka_unit_test(the_single_level_wildcard_is_one_level),
        cmocka_unit_test(the_single_level_wildcard_fills_its_level),
        cmocka_unit_test(an_empty_level_is_a_level),
        cmocka_unit_test(dollar_topics_hide_from_leading_wildcards),
        cmocka_unit_test(topics_differ_by_case_space_and_normal_form),
        cmocka_unit_test(a_topic_name_has_no_wildcard_and_is_not_empty),
        cmocka_unit_test(a_wildcard_is_seen_wherever_it_stands),
        cmocka_unit_test(what_looks_like_a_wildcard_bit_by_bit_is_none),
        cmocka_unit_test(a_topic_may_be_spelled_like_a_pattern),
        cmocka_unit_test(long_levels_match_like_short_ones),
        cmocka_unit_test(no_topic_at_all_matches_nothing),
        cmocka_unit_test(a_named_level_is_captured),
        cmocka_unit_test(without_a_match_nothing_is_captured),
        cmocka_unit_test(an_empty_level_is_captured_as_empty_not_absent),
        cmocka_unit_test(a_bound_name_matches_its_value_only),
        cmocka_unit_test(a_filter_has_a_plus_for_each_name),
        cmocka_unit_test(a_pattern_knows_its_names),
        cmocka_unit_test(a_complaint_says_where_and_what),
        cmocka_unit_test(what_is_just_within_the_limits_is_fine),
        cmocka_unit_test(matching_agrees_with_the_plain_reading),
        cmocka_unit_test(patterns_overlap_when_some_topic_matches_both),
        cmocka_unit_test(names_overlap_like_wildcards),
    };
    return cmocka_run_group_tests(tests, set_up_alphabet, NULL);
}

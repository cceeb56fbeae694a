/* What --update makes of a file of test cases: all that it does not have to change stays byte by byte. */
#include "cli/case_update.h"
#include "support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS_MAX = 4, LINES_MAX = 4 };

/* What happened: a test fills in what matters to it. */
struct scene {
    enum play_outcome outcome;
    struct mqtt_publish published[OUTPUTS_MAX];
    struct mqtt_publish reply; /* data == NULL: none */
    const char *lines[LINES_MAX];
    bool was_asked;
};

static struct mqtt_publish message(const char *topic, const char *payload)
{
    return (struct mqtt_publish){.topic = slice_of(topic), .payload = slice_of(payload), .qos = 1};
}

static void add(struct case_happened *h, const struct mqtt_publish *p, bool is_reply)
{
    h->outputs.items[h->outputs.count++] = (struct case_output){.publish = *p, .is_reply = is_reply};
}

static struct case_happened *happened_in(const struct scene *s)
{
    struct case_happened *h = calloc(1, sizeof *h);
    *h = (struct case_happened){
        .outcome = s->outcome, .logs = (char *const *)s->lines, .was_asked = s->was_asked};
    h->outputs.items = calloc(OUTPUTS_MAX + 1, sizeof *h->outputs.items);
    for (size_t i = 0; i < OUTPUTS_MAX && s->published[i].payload.data; i++)
        add(h, &s->published[i], false);
    if (s->reply.payload.data)
        add(h, &s->reply, true);
    while (h->log_count < LINES_MAX && s->lines[h->log_count])
        h->log_count++;
    return h;
}

static struct case_file *parsed(const char *text)
{
    struct diags diags = {0};
    struct case_file *f = NULL;
    if (case_file_parse("f.test.yaml", slice_of(text), &f, &diags) < 0)
        fail_msg("refused: %s: in:\n%s", diags.items[0].text, text);
    return f;
}

/* The first case of `before` is recorded; what is written holds, so that doing it again changes nothing. */
static void becomes_in(const char *before, const struct scene *s, const char *after)
{
    struct case_file *f = parsed(before);
    struct case_happened *happened[8] = {happened_in(s)};
    struct case_updated updated, again;
    assert_int_equal(case_update(f, slice_of(before), happened, &updated), 0);
    assert_string_equal(updated.text, after);
    assert_int_equal(updated.len, strlen(after));
    assert_int_equal(updated.changes[0], strcmp(before, after) != 0);
    struct case_file *g = parsed(after);
    assert_int_equal(case_update(g, slice_of(after), happened, &again), 0);
    assert_string_equal(again.text, after);
    case_updated_finish(&updated);
    case_updated_finish(&again);
    case_outputs_finish(&happened[0]->outputs);
    free(happened[0]);
    case_file_free(f);
    case_file_free(g);
}

#define HEAD            "cases:\n  - given: { topic: a }\n"
#define EXPECT          HEAD "    expect: "
#define PUBLISHES(list) EXPECT "{ publishes: " list " }\n"

static void becomes(const char *before, struct scene s, const char *after)
{
    becomes_in(before, &s, after);
}

static void what_is_as_expected_stays(void **unused)
{
    (void)unused;
    static const char text[] =
        "# mine\ncases:\n  - given: { topic: a }   # here\n    expect:\n"
        "      publishes:\n        - { topic: 'b',  payload_matches: \"^o\" } # ok\n\n";
    becomes(text, (struct scene){.published = {message("b", "on")}}, text);
}

static void a_value_is_replaced_and_nothing_beside_it(void **unused)
{
    (void)unused;
    becomes(EXPECT "\n      publishes: [ { topic: b,  payload: \"off\" } ] # why\n",
            (struct scene){.published = {message("b", "on")}},
            EXPECT "\n      publishes: [ { topic: b,  payload: \"on\" } ] # why\n");
    becomes(PUBLISHES("[ { payload: x, qos: 2, retained: true, topic: c } ]"),
            (struct scene){.published = {message("b", "x")}},
            PUBLISHES("[ { payload: x, qos: 1, retained: false, topic: b } ]"));
}

static void quotes_stay_as_far_as_they_can(void **unused)
{
    (void)unused;
    const struct {
        const char *old, *payload, *now;
    } rows[] = {{"x", "19.5", "\"19.5\""},
                {"x", "heat/2", "heat/2"},
                {"x", "Off", "\"Off\""},
                {"x", "two words", "two words"},
                {"x", "null", "\"null\""},
                {"x", "", "\"\""},
                {"x", "a: b", "\"a: b\""},
                {"x", "-", "\"-\""},
                {"x", "#no", "\"#no\""},
                {"'x'", "it's", "'it''s'"},
                {"'x'", "a\nb", "\"a\\nb\""},
                {"\"x\"", "say \"\\\"", "\"say \\\"\\\\\\\"\""},
                {"x", "\x01\xc2\x85\xe2\x80\xa8\xef\xbb\xbf", "\"\\x01\\x85\\u2028\\ufeff\""},
                {"x", "\xc3\xa9", "\"\xc3\xa9\""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char before[256], after[256];
        snprintf(before, sizeof before, PUBLISHES("[ { payload: %s } ]"), rows[i].old);
        snprintf(after, sizeof after, PUBLISHES("[ { payload: %s } ]"), rows[i].now);
        becomes(before, (struct scene){.published = {message("b", rows[i].payload)}}, after);
    }
}

static void json_stays_json_as_long_as_it_is(void **unused)
{
    (void)unused;
    static const char old[] = PUBLISHES("[ { payload_json: { a: 1 } } ]");
    becomes(
        old,
        (struct scene){.published = {message("b", "{\"a\":0.1,\"b c\":[true,null,\"1\",{},[]],\"e\":1e30}")}},
        PUBLISHES("[ { payload_json: { a: 0.1, b c: [ true, null, \"1\", {}, [] ], e: 1e+30 } } ]"));
    becomes(old, (struct scene){.published = {message("b", "{no")}}, PUBLISHES("[ { payload: \"{no\" } ]"));
    becomes(old, (struct scene){.published = {message("b", "[[[[[[[[[[[1]]]]]]]]]]]")}},
            PUBLISHES("[ { payload: \"[[[[[[[[[[[1]]]]]]]]]]]\" } ]"));
}

static void what_is_no_text_becomes_base64(void **unused)
{
    (void)unused;
    struct mqtt_publish p = message("b", "");
    p.payload = slice_make("\0\xff", 2);
    becomes(PUBLISHES("[ { payload: x } ]"), (struct scene){.published = {p}},
            PUBLISHES("[ { payload_base64: \"AP8=\" } ]"));
    becomes(PUBLISHES("[ { payload_base64: AAAA } ]"), (struct scene){.published = {message("b", "on")}},
            PUBLISHES("[ { payload_base64: \"b24=\" } ]"));
}

static void a_regular_expression_that_fails_becomes_the_payload(void **unused)
{
    (void)unused;
    becomes(PUBLISHES("[ { payload_matches: ^x } ]"), (struct scene){.published = {message("b", "on")}},
            PUBLISHES("[ { payload: \"on\" } ]"));
}

static void a_key_that_cannot_hold_rewrites_its_message(void **unused)
{
    (void)unused;
    struct property unit = {slice_of("unit"), slice_of("K")};
    struct mqtt_publish p = message("b", "1");
    p.properties = &unit;
    p.property_count = 1;
    becomes(PUBLISHES("[ { topic: b, content_type: text/plain, payload: \"1\" } ]"),
            (struct scene){.published = {p}}, PUBLISHES("[ { topic: b, payload: \"1\" } ]"));
    becomes(PUBLISHES("[ { payload: \"1\", properties: { unit: C } } ]"), (struct scene){.published = {p}},
            PUBLISHES("[ { payload: \"1\", properties: { unit: \"K\" } } ]"));
}

static void messages_come_and_go_in_brackets(void **unused)
{
    (void)unused;
    const struct mqtt_publish a = message("a", "1"), b = message("b", "2"), c = message("c", "3");
    becomes(PUBLISHES("[ { topic: b } ]"), (struct scene){.published = {a, b, c}},
            PUBLISHES("[ { topic: a, payload: \"1\" }, { topic: b }, { topic: c, payload: \"3\" } ]"));
    becomes(PUBLISHES("[ { topic: a }, { topic: b }, { topic: c }, ]"), (struct scene){.published = {b}},
            PUBLISHES("[ { topic: b }, ]"));
    becomes(PUBLISHES("[ { topic: a }, { topic: b } ]"), (struct scene){.outcome = PLAY_OK}, PUBLISHES("[]"));
    becomes(PUBLISHES("[]"), (struct scene){.published = {a}}, PUBLISHES("[ { topic: a, payload: \"1\" } ]"));
}

static void messages_come_and_go_line_by_line(void **unused)
{
    (void)unused;
    const struct mqtt_publish a = message("a", "1"), b = message("b", "2"), c = message("c", "3");
#define LINES(list) EXPECT "\n      publishes:" list "      # end\n"
    becomes(LINES(" # all\n      - topic: b # this\n"), (struct scene){.published = {a, b, c}},
            LINES(" # all\n      - { topic: a, payload: \"1\" }\n      - topic: b # this\n"
                  "      - { topic: c, payload: \"3\" }\n"));
    becomes(LINES("\n        - topic: a\n          payload: |\n            1\n        # of b\n        - "
                  "topic: b\n"),
            (struct scene){.published = {b}}, LINES("\n        # of b\n        - topic: b\n"));
    becomes(LINES(" # all\n      - topic: a\n      - topic: b # this\n"), (struct scene){.outcome = PLAY_OK},
            LINES(" [] # all\n"));
    becomes(LINES(" []\n"), (struct scene){.published = {a}}, LINES(" [ { topic: a, payload: \"1\" } ]\n"));
    struct mqtt_publish wide =
        message("a", "a payload that is so long that two of them do not fit into a line");
    becomes(
        LINES(" []\n"), (struct scene){.published = {wide, wide}},
        LINES("\n        - { topic: a, payload: \"a payload that is so long that two of them do not fit into "
              "a line\" }\n        - { topic: a, payload: \"a payload that is so long that two of them do "
              "not fit into a line\" }\n"));
}

static void the_order_of_any_order_stays(void **unused)
{
    (void)unused;
    const struct mqtt_publish a = message("a", "1"), b = message("b", "2"), c = message("c", "3");
    becomes(EXPECT "{ order: any, publishes: [ { topic: c }, { topic: x }, { topic: a } ] }\n",
            (struct scene){.published = {a, b, c}},
            EXPECT "{ order: any, publishes: [ { topic: c }, { topic: b }, { topic: a } ] }\n");
    becomes(EXPECT "{ order: any, publishes: [ { topic: c }, { topic: a } ] }\n",
            (struct scene){.published = {a, b, c}},
            EXPECT
            "{ order: any, publishes: [ { topic: c }, { topic: a }, { topic: b, payload: \"2\" } ] }\n");
}

static void a_result_is_replaced_or_comes_first(void **unused)
{
    (void)unused;
    becomes(EXPECT "{ result: retry }\n", (struct scene){.outcome = PLAY_OK}, EXPECT "{ result: ok }\n");
    becomes(EXPECT "{}\n", (struct scene){.outcome = PLAY_CRASH}, EXPECT "{ result: crash }\n");
    becomes(EXPECT "{ publishes: [] }\n", (struct scene){.outcome = PLAY_TIMEOUT},
            EXPECT "{ result: timeout, publishes: [] }\n");
    becomes(EXPECT "\n      # none\n      publishes: []\n", (struct scene){.outcome = PLAY_REJECT},
            EXPECT "\n      # none\n      result: reject\n      publishes: []\n");
}

static void a_reply_is_replaced(void **unused)
{
    (void)unused;
    struct mqtt_publish yes = message("r", "yes");
    yes.correlation = slice_of("7");
    becomes(EXPECT "{ reply: none }\n", (struct scene){.reply = yes},
            EXPECT "{ reply: { payload: \"yes\" } }\n");
    becomes(EXPECT "{ reply: { payload: \"no\", correlation: \"6\" } }\n", (struct scene){.reply = yes},
            EXPECT "{ reply: { payload: \"yes\", correlation: \"7\" } }\n");
    becomes(EXPECT "\n      reply:\n        payload: no\n      # end\n", (struct scene){.outcome = PLAY_OK},
            EXPECT "\n      reply: none\n      # end\n");
}

static void a_line_of_the_log_takes_the_place_of_one_that_did_not_come(void **unused)
{
    (void)unused;
    becomes(EXPECT "{ log: [ gone, well, { matches: ^no } ] }\n",
            (struct scene){.lines = {"all is well", "one: 1", "two"}},
            EXPECT "{ log: [ \"one: 1\", well, \"two\" ] }\n");
    becomes(EXPECT "{ log: [ gone, well ] }\n", (struct scene){.lines = {"all is well"}},
            EXPECT "{ log: [ well ] }\n");
}

static void a_case_without_expectation_gets_one(void **unused)
{
    (void)unused;
    becomes(HEAD "  # next\n", (struct scene){.published = {message("b", "on")}},
            HEAD "    expect:\n      publishes:\n        - { topic: b, payload: \"on\" }\n  # next\n");
    becomes(HEAD, (struct scene){.outcome = PLAY_REJECT, .was_asked = true},
            HEAD "    expect:\n      result: reject\n      publishes: []\n      reply: none\n");
    becomes(HEAD, (struct scene){.published = {message("b", "{\"a\": 1}"), message("c", "19.0")}},
            HEAD "    expect:\n      publishes:\n        - { topic: b, payload_json: { a: 1 } }\n"
                 "        - { topic: c, payload: \"19.0\" }\n");
    becomes("cases: [ { given: { topic: a } } ]",
            (struct scene){.reply = message("r", "yes"), .was_asked = true},
            "cases: [ { given: { topic: a }, expect: { publishes: [], reply: { payload: \"yes\" } } } ]");
}

static void what_is_unusual_in_a_message_is_written_too(void **unused)
{
    (void)unused;
    const struct property properties[] = {{slice_of("a b"), slice_of("1")}, {slice_of("a b"), slice_of("2")}};
    struct mqtt_publish p = {.topic = slice_of("b"),
                             .payload = slice_of(""),
                             .content_type = slice_of("text/plain"),
                             .response_topic = slice_of("r"),
                             .correlation = slice_of("7"),
                             .properties = properties,
                             .property_count = 2,
                             .has_expiry = true,
                             .expiry_s = 60,
                             .retain = true};
    becomes(PUBLISHES("[]"), (struct scene){.published = {p}},
            PUBLISHES("[ { topic: b, payload: \"\", qos: 0, retained: true, content_type: text/plain, "
                      "response_topic: r, correlation: \"7\", properties: { a b: \"1\" }, expiry: 60s } ]"));
}

static void line_ends_and_a_byte_order_mark_stay(void **unused)
{
    (void)unused;
    becomes("\xef\xbb\xbf"
            "cases:\r\n  - given: { topic: a }\r\n",
            (struct scene){.published = {message("b", "on")}},
            "\xef\xbb\xbf"
            "cases:\r\n  - given: { topic: a }\r\n    expect:\r\n      publishes:\r\n"
            "        - { topic: b, payload: \"on\" }\r\n");
}

static void characters_of_several_bytes_do_not_shift_what_is_written(void **unused)
{
    (void)unused;
    becomes("cases:\n  - name: \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\n    given: { topic: a }\n"
            "    expect: { publishes: [ { payload: \xc3\xa9 } ] }\n",
            (struct scene){.published = {message("b", "on")}},
            "cases:\n  - name: \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\n    given: { topic: a }\n"
            "    expect: { publishes: [ { payload: \"on\" } ] }\n");
}

static void other_cases_are_not_touched(void **unused)
{
    (void)unused;
    becomes(PUBLISHES("[]") "  - given: { topic: a }\n    expect: { publishes: [ { topic: no } ] }\n",
            (struct scene){.published = {message("b", "1")}},
            PUBLISHES("[ { topic: b, payload: \"1\" } ]") "  - given: { topic: a }\n"
                                                          "    expect: { publishes: [ { topic: no } ] }\n");
}

/* The empty lines at its end are part of the payload: a line between them would change it. */
static void what_would_change_something_else_is_refused(void **unused)
{
    (void)unused;
    static const char text[] = "cases:\n  - given:\n      topic: a\n      payload: |+\n        x\n\n\n";
    struct case_file *f = parsed(text);
    struct case_happened *happened[] = {happened_in(&(struct scene){.outcome = PLAY_OK})};
    struct case_updated updated;
    assert_int_equal(case_update(f, slice_of(text), happened, &updated), -EINVAL);
    case_outputs_finish(&happened[0]->outputs);
    free(happened[0]);
    case_file_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_expected_stays),
        cmocka_unit_test(a_value_is_replaced_and_nothing_beside_it),
        cmocka_unit_test(quotes_stay_as_far_as_they_can),
        cmocka_unit_test(json_stays_json_as_long_as_it_is),
        cmocka_unit_test(what_is_no_text_becomes_base64),
        cmocka_unit_test(a_regular_expression_that_fails_becomes_the_payload),
        cmocka_unit_test(a_key_that_cannot_hold_rewrites_its_message),
        cmocka_unit_test(messages_come_and_go_in_brackets),
        cmocka_unit_test(messages_come_and_go_line_by_line),
        cmocka_unit_test(the_order_of_any_order_stays),
        cmocka_unit_test(a_result_is_replaced_or_comes_first),
        cmocka_unit_test(a_reply_is_replaced),
        cmocka_unit_test(a_line_of_the_log_takes_the_place_of_one_that_did_not_come),
        cmocka_unit_test(a_case_without_expectation_gets_one),
        cmocka_unit_test(what_is_unusual_in_a_message_is_written_too),
        cmocka_unit_test(line_ends_and_a_byte_order_mark_stay),
        cmocka_unit_test(characters_of_several_bytes_do_not_shift_what_is_written),
        cmocka_unit_test(other_cases_are_not_touched),
        cmocka_unit_test(what_would_change_something_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

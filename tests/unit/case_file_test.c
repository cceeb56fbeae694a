/* The files of hark test: what is accepted, and each thing that is not. */
#include "cli/case_file.h"
#include "cli/case_json.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIVEN "cases:\n  - given: { topic: a/b }\n"

static struct case_file *accepted(const char *text)
{
    struct diags diags = {0};
    struct case_file *f = NULL;
    if (case_file_parse("dir/f.test.yaml", slice_of(text), &f, &diags) < 0)
        fail_msg("refused: %s", diags.items[0].text);
    assert_int_equal(diags.count, 0);
    return f;
}

static void refused(const char *text, const char *line)
{
    struct diags diags = {0};
    struct case_file *f = NULL;
    char shown[DIAG_FORMATTED_MAX];
    assert_int_equal(case_file_parse("f", slice_of(text), &f, &diags), -EINVAL);
    assert_string_equal(diag_format(&diags.items[0], shown, sizeof shown), line);
    diags_finish(&diags);
}

static void the_least_is_a_topic(void **unused)
{
    (void)unused;
    struct case_file *f = accepted(GIVEN);
    assert_string_equal(f->function, "f.yaml");
    assert_int_equal(f->count, 1);
    const struct test_case *c = &f->cases[0];
    assert_string_equal(c->name, "a/b");
    assert_int_equal(c->given.count, 1);
    assert_int_equal(c->given.items[0].qos, 1);
    assert_int_equal(c->given.items[0].attempt, 1);
    assert_int_equal(c->expect.result, PLAY_OK);
    assert_false(c->expect.publishes.given);
    assert_int_equal(c->expect.reply_kind, CASE_REPLY_ANY);
    case_file_free(f);
}

static void one_message_or_a_list_of_them(void **unused)
{
    (void)unused;
    struct case_file *f =
        accepted("cases:\n  - before: { timer: every 1s }\n    given: [ { topic: a }, { topic: b } ]\n");
    assert_int_equal(f->cases[0].before.count, 1);
    assert_string_equal(f->cases[0].before.items[0].timer, "every 1s");
    assert_int_equal(f->cases[0].given.count, 2);
    assert_string_equal(f->cases[0].given.items[1].topic, "b");
    case_file_free(f);
}

static void what_is_not_expected_is_any(void **unused)
{
    (void)unused;
    struct case_file *f = accepted(GIVEN "    expect: { publishes: [ {} ], reply: none }\n");
    const struct case_expect *e = &f->cases[0].expect;
    assert_true(e->publishes.given);
    assert_null(e->publishes.items[0].topic);
    assert_int_equal(e->publishes.items[0].qos, CASE_ANY_QOS);
    assert_int_equal(e->publishes.items[0].retained, CASE_ANY_RETAINED);
    assert_int_equal(e->publishes.items[0].expiry_s, CASE_ANY_EXPIRY);
    assert_int_equal(e->reply_kind, CASE_REPLY_NONE);
    case_file_free(f);
}

static void payloads_are_text_base64_or_json(void **unused)
{
    (void)unused;
    struct case_file *f =
        accepted("cases:\n  - given:\n"
                 "    - { topic: a, payload: 18.0 }\n"
                 "    - { topic: a, payload_base64: AP8= }\n"
                 "    - { topic: a, payload_json: { t: [ 1, 1.5, yes, true, ~, \"2\" ] } }\n");
    const struct case_message *m = f->cases[0].given.items;
    assert_string_equal(m[0].payload.text, "18.0");
    assert_int_equal(m[1].payload.byte_count, 2);
    assert_memory_equal(m[1].payload.bytes, "\0\xff", 2);
    char *json = json_dumps(m[2].payload.json, JSON_COMPACT);
    assert_string_equal(json, "{\"t\":[1,1.5,\"yes\",true,null,\"2\"]}");
    free(json);
    case_file_free(f);
}

static void json_is_equal_by_value(void **unused)
{
    (void)unused;
    const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {{"1", "1.0", true},
                {"[1, {\"a\": 2, \"b\": null}]", "[1.0,{\"b\":null,\"a\":2}]", true},
                {"1", "\"1\"", false},
                {"1", "1.1", false},
                {"[1]", "[1,2]", false},
                {"{\"a\":1}", "{\"b\":1}", false},
                {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
                {"true", "false", false},
                {"null", "0", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *a = json_loads(rows[i].a, JSON_DECODE_ANY, NULL),
               *b = json_loads(rows[i].b, JSON_DECODE_ANY, NULL);
        assert_int_equal(case_json_equal(a, b), rows[i].equal);
        assert_int_equal(case_json_equal(b, a), rows[i].equal);
        json_decref(a);
        json_decref(b);
    }
}

static void a_thousand_cases_are_read(void **unused)
{
    (void)unused;
    enum { CASES = 1000, CASE_BYTES = 160 };
    char *text = malloc(CASES * CASE_BYTES);
    size_t len = (size_t)sprintf(text, "cases:\n");
    for (int i = 0; i < CASES; i++)
        len += (size_t)snprintf(text + len, CASE_BYTES,
                                "  - name: n%d\n    given: { topic: a/b, payload: x, retained: true }\n"
                                "    expect: { publishes: [ { topic: c, payload: y } ], log: [ z ] }\n",
                                i);
    struct case_file *f = accepted(text);
    assert_int_equal(f->count, CASES);
    case_file_free(f);
    free(text);
}

static void every_mistake_is_named_with_its_place(void **unused)
{
    (void)unused;
    refused("cases: [ { given: x } ]\n",
            "f:1:19: cases[].given: expected keys, or a list, found 'x': write for instance given: { topic: "
            "home/kitchen/temperature, payload: \"19.0\" }");
    refused("", "f:1:1: no test cases: write for instance cases: [ { given: { topic: a/b } } ]");
    refused("cases: []\n",
            "f:1:8: cases is empty: write at least 1, for instance cases: [ { given: { topic: a/b }, "
            "expect: { result: ok } } ]");
    refused("cases: [ x ]\n",
            "f:1:10: cases: expected the keys of a case, found 'x': write - given: { topic: a/b }");
    refused(GIVEN "    expct: {}\n", "f:3:5: unknown key 'expct': did you mean 'expect'?");
    refused("cases:\n  - given: { payload: x }\n",
            "f:2:12: one of topic and timer is missing: write for instance topic: home/kitchen/temperature");
    refused(
        "cases:\n  - given: { topic: a/+ }\n",
        "f:2:21: given[].topic: not a topic: write 1 to 65,535 bytes of UTF-8 without + and #, for instance "
        "home/kitchen/temperature");
    refused("cases:\n  - given: { topic: a, payload: b, payload_json: 1 }\n",
            "f:2:36: payload_json: there is payload already: write one of the two");
    refused("cases:\n  - given: { topic: a, payload_base64: \"a\" }\n",
            "f:2:40: given[].payload_base64: no base64: write for instance AAECAw==");
    refused("cases:\n  - given: { topic: a, properties: { k: [] } }\n",
            "f:2:41: given[].properties: 'k': expected a text, found a list: write it in quotes");
    refused(GIVEN "    expect: { publishes: [ { payload_matches: \"(\" } ] }\n",
            "f:3:47: expect.publishes[].payload_matches: no extended regular expression: Unmatched ( or \\(");
    refused(
        GIVEN
        "    expect: { publishes: [ { payload_matches: \"((((a{1,255}){1,255}){1,255}){1,255})\" } ] }\n",
        "f:3:47: expect.publishes[].payload_matches: too large: write fewer repetitions and less nesting");
    refused(GIVEN "    expect: { reply: x }\n", "f:3:22: expect.reply: expected none or the keys of a reply, "
                                                "found 'x': write for instance { payload: "
                                                "\"4\" }");
    refused(GIVEN "    expect: { log: [ { matchs: x } ] }\n",
            "f:3:24: unknown key 'matchs': did you mean 'matches'?");
    refused(GIVEN "    expect: { result: good }\n",
            "f:3:23: expect.result: unknown word 'good': write ok, retry, reject, crash or timeout");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_a_topic),
        cmocka_unit_test(one_message_or_a_list_of_them),
        cmocka_unit_test(what_is_not_expected_is_any),
        cmocka_unit_test(payloads_are_text_base64_or_json),
        cmocka_unit_test(json_is_equal_by_value),
        cmocka_unit_test(a_thousand_cases_are_read),
        cmocka_unit_test(every_mistake_is_named_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

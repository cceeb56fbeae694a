/* The whole line for everything that can be wrong with a manifest. */
#include "manifest_says.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define EMPTY "m.yaml:1:1: expected keys, found nothing: write at least function:, handler: and triggers:"

static void an_empty_manifest_is_refused(void **unused)
{
    (void)unused;
    REFUSED("", EMPTY);
    REFUSED("# nothing\n", EMPTY);
    REFUSED("---\n", EMPTY);
}

static void what_has_no_keys_is_refused(void **unused)
{
    (void)unused;
    REFUSED(
        "hello world\n",
        "m.yaml:1:1: expected keys, found 'hello world': write at least function:, handler: and triggers:");
    REFUSED("- a\n",
            "m.yaml:1:1: expected keys, found a list: write at least function:, handler: and triggers:");
}

static void required_keys_are_missed_where_the_document_starts(void **unused)
{
    (void)unused;
    REFUSED(
        "# x\n\ndescription: x\n", "m.yaml:3:1: function is missing: write for instance function: thermostat",
        "m.yaml:3:1: handler is missing: write for instance handler: thermostat.so",
        "m.yaml:3:1: triggers is missing: write for instance triggers: [ { topic: home/+/temperature } ]");
}

static void unknown_keys_get_a_suggestion_or_the_list(void **unused)
{
    (void)unused;
    REFUSED(LEAST "timeuot: 2s\n", "m.yaml:5:1: unknown key 'timeuot': did you mean 'timeout'?");
    REFUSED(LEAST "    qso: 1\n", "m.yaml:5:5: unknown key 'qso': did you mean 'qos'?");
    REFUSED(LEAST "colour: x\n", "m.yaml:5:1: unknown key 'colour': allowed are function handler description "
                                 "triggers publishes timeout "
                                 "instances order retry dead_letter limits config session sandbox broker");
    REFUSED(LEAST "limits: { watts: 5 }\n", "m.yaml:5:11: unknown key 'watts': allowed are payload queue "
                                            "publishes memory cpu cpu_quota threads files "
                                            "file_size log");
    REFUSED(LEAST "    source: x\n",
            "m.yaml:5:5: unknown key 'source': allowed are topic qos retained share every cron "
            "timezone");
}

static void a_misspelt_key_is_not_missing_as_well(void **unused)
{
    (void)unused;
    REFUSED("function: f\nhandler: f.so\ntrigger: [{topic: a}]\n",
            "m.yaml:3:1: unknown key 'trigger': did you mean 'triggers'?");
    REFUSED("function: f\nhandler: f.so\ntriggers: [{topcis: a}]\n",
            "m.yaml:3:13: unknown key 'topcis': did you mean 'topic'?");
}

static void a_key_of_another_level_is_sent_there(void **unused)
{
    (void)unused;
    REFUSED(LEAST "max: 3\n",
            "m.yaml:5:1: unknown key 'max': it belongs in instances, write it indented below that");
}

static void complaints_stand_by_place_also_before_a_line_that_cannot_be_read(void **unused)
{
    (void)unused;
    REFUSED("config:\n  a: 1\n  a: 2\n  b: { c: 1, c: 2 }\nfunction: f\n@\n",
            "m.yaml:3:3: duplicate key 'a': it is already on line 2, remove one of the two",
            "m.yaml:4:14: duplicate key 'c': it is already on line 4, remove one of the two",
            "m.yaml:6:1: a text may not begin with this character: put quotes around the text");
}

static void a_duplicate_key_is_refused_whatever_it_holds(void **unused)
{
    (void)unused;
    REFUSED(LEAST "timeout: 1s\ntimeout: [1]\n",
            "m.yaml:6:1: duplicate key 'timeout': it is already on line 5, remove one of the two");
    REFUSED(LEAST "config: { a: b, a: c }\n",
            "m.yaml:5:17: duplicate key 'a': it is already on line 5, remove one of the two");
    REFUSED("function: g\n" LEAST,
            "m.yaml:2:1: duplicate key 'function': it is already on line 1, remove one of the two");
}

static void a_wrong_type_shows_what_was_found_and_what_to_write(void **unused)
{
    (void)unused;
    REFUSED(LEAST "timeout: [2s]\n",
            "m.yaml:5:10: timeout: expected a duration, found a list: write for instance timeout: 2s");
    REFUSED(LEAST "timeout:\n",
            "m.yaml:5:9: timeout: expected a duration, found nothing: write for instance timeout: 2s");
    REFUSED(LEAST "description: {a: b}\n", "m.yaml:5:14: description: expected a text, found keys: write for "
                                           "instance description: Keeps each room at "
                                           "its set point");
    REFUSED(LEAST "publishes: a/b\n",
            "m.yaml:5:12: publishes: expected a list, found 'a/b': write for instance publishes: "
            "[ \"home/{room}/heater\" ]");
    REFUSED(LEAST "instances: 3\n",
            "m.yaml:5:12: instances: expected keys, found '3': write for instance instances: { min: "
            "0, max: 4, idle: 60s }");
    REFUSED(
        LEAST "config: [a]\n",
        "m.yaml:5:9: config: expected keys, found a list: write for instance config: { setpoint: \"21.5\" }");
    REFUSED("function: f\nhandler: f.so\ntriggers: {topic: a}\n",
            "m.yaml:3:11: triggers: expected a list, found keys: write for instance triggers: [ { topic: "
            "home/+/temperature } ]");
    REFUSED("function: f\nhandler: f.so\ntriggers: [a]\n",
            "m.yaml:3:12: triggers: expected a trigger, found 'a': write - topic: home/+/temperature");
}

static void a_number_is_digits_without_quotes(void **unused)
{
    (void)unused;
    REFUSED(LEAST "    qos: \"1\"\n",
            "m.yaml:5:10: triggers[].qos: expected a whole number, found a text: write it without quotes");
    REFUSED(LEAST "    qos: one\n",
            "m.yaml:5:10: triggers[].qos: 'one' does not begin with a digit: write a whole number, for "
            "instance 1");
    REFUSED(LEAST "instances: { max: 1.5 }\n",
            "m.yaml:5:19: instances.max: '1.5' is not a whole number: write a whole number, for instance 4");
}

static void numbers_have_bounds(void **unused)
{
    (void)unused;
    REFUSED(LEAST "    qos: 3\n", "m.yaml:5:10: triggers[].qos: '3' is out of bounds: write 0 to 2");
    REFUSED(LEAST "instances: { max: 0 }\n",
            "m.yaml:5:19: instances.max: '0' is out of bounds: write 1 to 256");
    REFUSED(LEAST "instances: { max: 257 }\n",
            "m.yaml:5:19: instances.max: '257' is out of bounds: write 1 to 256");
    REFUSED(LEAST "retry: { attempts: 101 }\n",
            "m.yaml:5:20: retry.attempts: '101' is out of bounds: write 1 to 100");
    REFUSED(LEAST "limits: { queue: 4294967297 }\n",
            "m.yaml:5:18: limits.queue: '4294967297' is out of bounds: write 1 to 65535");
    REFUSED(LEAST "timeout: 61m\n", "m.yaml:5:10: timeout: '61m' is out of bounds: write 1ms to 1h");
    REFUSED(LEAST "timeout: 0s\n", "m.yaml:5:10: timeout: '0s' is out of bounds: write 1ms to 1h");
    REFUSED(LEAST "limits: { payload: 17MiB }\n",
            "m.yaml:5:20: limits.payload: '17MiB' is out of bounds: write 1B to 16MiB");
    REFUSED(LEAST "session: { expiry: 3651d }\n",
            "m.yaml:5:20: session.expiry: '3651d' is out of bounds: write 0s to 3650d");
}

static void bad_durations_and_sizes_say_why(void **unused)
{
    (void)unused;
    REFUSED(LEAST "timeout: 10\n",
            "m.yaml:5:10: timeout: '10' has no unit: write a whole number and a unit of ms s m h d, "
            "for instance 2s");
    REFUSED(LEAST "timeout: 10min\n",
            "m.yaml:5:10: timeout: '10min' has an unknown unit: write a whole number and a unit of ms "
            "s m h d, for instance 2s");
    REFUSED(LEAST "timeout: -1s\n",
            "m.yaml:5:10: timeout: '-1s' is negative: write a whole number and a unit of ms s m h d, "
            "for instance 2s");
    REFUSED(LEAST "timeout: 99999999999999d\n",
            "m.yaml:5:10: timeout: '99999999999999d' is too large: write a whole number and "
            "a unit of ms s m h d, for instance 2s");
    REFUSED(LEAST "limits: { memory: 3MiB }\n",
            "m.yaml:5:19: limits.memory: '3MiB' is out of bounds: write 4MiB to 4GiB");
    REFUSED(LEAST "limits: { cpu: 500ms }\n",
            "m.yaml:5:16: limits.cpu: '500ms' is not a number of whole seconds: write a whole number and a "
            "unit of s m h d, for instance 1h");
    REFUSED(LEAST "limits: { threads: 0 }\n",
            "m.yaml:5:20: limits.threads: '0' is out of bounds: write 1 to 256");
    REFUSED(LEAST "limits: { log: 64KiB }\n",
            "m.yaml:5:16: limits.log: '64KiB' has an unknown unit: write a whole number and a unit of B/s "
            "KiB/s MiB/s GiB/s, for instance 64KiB/s");
    REFUSED(LEAST "limits: { payload: 0.5MiB }\n",
            "m.yaml:5:20: limits.payload: '0.5MiB' is not a whole number: write a whole "
            "number and a unit of B KiB MiB GiB, for instance 256KiB");
    REFUSED(LEAST "session: { expiry: 500ms }\n",
            "m.yaml:5:20: session.expiry: '500ms' is not a number of whole seconds: write "
            "a whole number and a unit of s m h d, for instance 1d");
}

static void a_choice_is_one_of_its_words(void **unused)
{
    (void)unused;
    REFUSED(LEAST "    retained: yes\n",
            "m.yaml:5:15: triggers[].retained: unknown word 'yes': write deliver or skip");
    REFUSED(LEAST "    retained: true\n",
            "m.yaml:5:15: triggers[].retained: unknown word 'true': write deliver or skip");
    REFUSED(LEAST "    retained: delivre\n",
            "m.yaml:5:15: triggers[].retained: unknown word 'delivre': did you mean 'deliver'?");
}

#define NAME_RULE                                                                                            \
    "function: not a function's name: write a-z, 0-9 and '-', at most 63 of them, '-' not first, for "       \
    "instance thermostat-2"

static void a_function_has_a_name_by_the_rule(void **unused)
{
    static const char *const names[] = {
        "Thermostat", "-a",
        "a_b",        "\"\"",
        "a/b",        "a.b",
        "é",          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}; /* 64 */
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256];
        snprintf(text, sizeof text, "handler: f.so\ntriggers: [{topic: a}]\nfunction: %s\n", names[i]);
        REFUSED(text, "m.yaml:3:11: " NAME_RULE);
    }
}

static void a_handler_stays_in_its_folder(void **unused)
{
    static const char *const paths[] = {"../f.so", "a/../../f.so", "..", "a/.."};
    (void)unused;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char text[256];
        snprintf(text, sizeof text, "function: f\nhandler: %s\ntriggers: [{topic: a}]\n", paths[i]);
        REFUSED(text,
                "m.yaml:2:10: handler: '..' leaves the folder: write a path inside it, or one from the root: "
                "/usr/lib/hark/thermostat.so");
    }
    REFUSED("function: f\nhandler: \"\"\ntriggers: [{topic: a}]\n",
            "m.yaml:2:10: handler is empty: write for instance handler: thermostat.so");
}

static void an_empty_list_of_triggers_is_refused(void **unused)
{
    (void)unused;
    REFUSED("function: f\nhandler: f.so\ntriggers: []\n",
            "m.yaml:3:11: triggers is empty: write at least 1, for instance triggers: [ { topic: "
            "home/+/temperature } ]");
    REFUSED("function: f\nhandler: f.so\ntriggers: [ {} ]\n",
            "m.yaml:3:13: one of topic, every and cron is missing: write for instance topic: "
            "home/{room}/temperature");
}

static void lists_have_a_longest_length(void **unused)
{
    char text[4096] = "function: f\nhandler: f.so\ntriggers: [";
    (void)unused;
    for (int i = 0; i < MANIFEST_TRIGGERS_MAX + 1; i++)
        strcat(text, "{topic: a},");
    strcat(text, "]\n");
    REFUSED(text, "m.yaml:3:11: triggers has 65 entries: at most 64 are allowed");
}

static void a_bad_filter_is_pointed_at(void **unused)
{
    (void)unused;
    REFUSED(LEAST "  - topic: a/#/b\n",
            "m.yaml:5:14: triggers[].topic: '#' must be the last level: write '+' for one level");
    REFUSED(LEAST "  - topic: \"a/b+\"\n",
            "m.yaml:5:15: triggers[].topic: '+' must be a whole level: write 'a/+/b'");
    REFUSED(LEAST "publishes: [ ok, 'a/#b' ]\n",
            "m.yaml:5:21: publishes: '#' must be a whole level: write '.../#'");
}

static void an_unquoted_hash_is_explained(void **unused)
{
    (void)unused;
    REFUSED(LEAST "  - topic: #\n",
            "m.yaml:5:11: triggers[].topic: expected a topic filter, found nothing: write for instance "
            "home/{room}/temperature; a filter that begins with # needs quotes, else it is a comment");
}

static void min_is_not_above_max(void **unused)
{
    (void)unused;
    REFUSED(LEAST "instances: { min: 5, max: 3 }\n",
            "m.yaml:5:19: instances.min is 5, more than instances.max, 3: lower min, or write max: 5");
    REFUSED(LEAST "instances: { min: 2 }\n", "m.yaml:5:19: instances.min is 2, more than instances.max, 1 "
                                             "(the default): lower min, or write max: 2");
}

static void max_backoff_is_not_below_backoff(void **unused)
{
    (void)unused;
    REFUSED(
        LEAST "retry: { backoff: 2s, max_backoff: 1s }\n",
        "m.yaml:5:36: retry.max_backoff is 1s, less than retry.backoff, 2s: write max_backoff: 2s or more");
    REFUSED(LEAST "retry: { backoff: 1m }\n", "m.yaml:5:19: retry.max_backoff is 30s (the default), less "
                                              "than retry.backoff, 1m: write max_backoff: 1m or "
                                              "more");
    REFUSED(LEAST "retry: { max_backoff: 100ms }\n", "m.yaml:5:23: retry.max_backoff is 100ms, less than "
                                                     "retry.backoff, 200ms (the default): write max_backoff: "
                                                     "200ms or more");
}

static void a_bad_value_gets_no_second_complaint(void **unused)
{
    (void)unused;
    REFUSED(
        LEAST "instances: { min: 5, max: x }\n",
        "m.yaml:5:27: instances.max: 'x' does not begin with a digit: write a whole number, for instance 4");
}

static void order_names_what_every_trigger_captures(void **unused)
{
    (void)unused;
    REFUSED(
        LEAST "  - topic: office/+\norder: {room}\n",
        "m.yaml:6:8: order: trigger 2, 'office/+', has no level {room}: give it one, or write order: topic");
    REFUSED(LEAST "order: room\n",
            "m.yaml:5:8: order: found 'room': write none, topic, all, or a name that every trigger "
            "captures, for instance {room}");
    REFUSED(LEAST "order: {Room}\n",
            "m.yaml:5:8: order: not a name that a trigger can capture: write a-z, then a-z, 0-9 and "
            "_, at most 32, for instance {room}");
    REFUSED(LEAST "order: {room: 1}\n",
            "m.yaml:5:8: order: found keys: write none, topic, all, or a name that every trigger "
            "captures, for instance {room}");
    REFUSED(LEAST "order:\n",
            "m.yaml:5:7: order: found nothing: write none, topic, all, or a name that every trigger "
            "captures, for instance {room}");
}

static void publishes_names_what_some_trigger_captures(void **unused)
{
    (void)unused;
    REFUSED(LEAST "publishes: [ \"a/{floor}/{room}\" ]\n",
            "m.yaml:5:17: publishes: no trigger captures {floor}: write + for any level, or write {floor} in "
            "a trigger's "
            "topic");
    manifest_free(accepted(LEAST "  - topic: a/{floor}\npublishes: [ \"a/{floor}/{room}\" ]\n"));
}

static void a_dead_letter_goes_to_one_topic(void **unused)
{
    (void)unused;
    REFUSED(LEAST "dead_letter: a/+\n",
            "m.yaml:5:14: dead_letter: a topic to publish to has no wildcards: write it without + and "
            "#, or none");
    REFUSED(LEAST "dead_letter: a/{room}\n",
            "m.yaml:5:14: dead_letter: names in braces are not filled in here: write a topic "
            "without them, or none");
    REFUSED(LEAST "dead_letter: ''\n",
            "m.yaml:5:14: dead_letter: the topic is empty: write hark/dead/thermostat, or none");
}

static void config_holds_texts_only(void **unused)
{
    (void)unused;
    REFUSED(
        LEAST "config: { a: ~, b: [1], \"\": c }\n",
        "m.yaml:5:14: config: 'a': expected a text, found nothing: write it in quotes, for instance "
        "\"21.5\", "
        "or { from_file: PATH }",
        "m.yaml:5:20: config: 'b': expected a text, found a list: write it in quotes, for instance \"21.5\", "
        "or { from_file: PATH }",
        "m.yaml:5:25: config: a name of 0 bytes: write 1 to 255");
}

static void config_from_a_file_names_one_and_nothing_else(void **unused)
{
    (void)unused;
    REFUSED(LEAST "config: { a: { form_file: x } }\n",
            "m.yaml:5:16: unknown key 'form_file': did you mean 'from_file'?");
    REFUSED(LEAST "config: { a: {} }\n",
            "m.yaml:5:14: config.<name>.from_file is missing: write for instance from_file: api.key");
    REFUSED(
        LEAST "config: { a: { from_file: ../x } }\n",
        "m.yaml:5:27: config.<name>.from_file: '..' leaves the folder: write a path inside it, or one from "
        "the root: /etc/hark/api.key");
}

static void config_fits_one_frame_to_a_worker(void **unused)
{
    enum { BYTES = 256 * 1024 };
    char *text = malloc(BYTES + 256);
    (void)unused;
    assert_non_null(text);
    int len = sprintf(text, LEAST "config: { a: ");
    memset(text + len, 'x', BYTES);
    strcpy(text + len + BYTES - 1, " }\n");
    manifest_free(accepted(text));
    memset(text + len, 'x', BYTES);
    strcpy(text + len + BYTES, " }\n");
    REFUSED(text, "m.yaml:5:9: config: 262145 bytes in all: at most 256KiB are allowed");
    free(text);
}

static void all_complaints_come_at_once_in_the_order_of_the_file(void **unused)
{
    (void)unused;
    REFUSED("function: F\nhandler: ''\ntriggers:\n  - topic: a/b#\n    qos: 9\ntimeout: 1\nretry: { x: 1 }\n",
            "m.yaml:1:11: " NAME_RULE,
            "m.yaml:2:10: handler is empty: write for instance handler: thermostat.so",
            "m.yaml:4:14: triggers[].topic: '#' must be a whole level: write '.../#'",
            "m.yaml:5:10: triggers[].qos: '9' is out of bounds: write 0 to 2",
            "m.yaml:6:10: timeout: '1' has no unit: write a whole number and a unit of ms s m h d, for "
            "instance 2s",
            "m.yaml:7:10: unknown key 'x': allowed are attempts backoff max_backoff");
}

static void more_complaints_than_are_kept_are_counted(void **unused)
{
    char text[4096] = LEAST "config: {";
    struct manifest *m = NULL;
    struct diags diags = {0};
    (void)unused;
    for (int i = 0; i < DIAGS_MAX + 3; i++)
        sprintf(text + strlen(text), "k%d: ,", i);
    strcat(text, "}\n");
    assert_int_equal(manifest_parse("m.yaml", slice_of(text), &m, &diags), -EINVAL);
    assert_int_equal(diags.count, DIAGS_MAX);
    assert_int_equal(diags.dropped, 3);
    diags_finish(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_manifest_is_refused),
        cmocka_unit_test(what_has_no_keys_is_refused),
        cmocka_unit_test(required_keys_are_missed_where_the_document_starts),
        cmocka_unit_test(unknown_keys_get_a_suggestion_or_the_list),
        cmocka_unit_test(a_misspelt_key_is_not_missing_as_well),
        cmocka_unit_test(a_key_of_another_level_is_sent_there),
        cmocka_unit_test(complaints_stand_by_place_also_before_a_line_that_cannot_be_read),
        cmocka_unit_test(a_duplicate_key_is_refused_whatever_it_holds),
        cmocka_unit_test(a_wrong_type_shows_what_was_found_and_what_to_write),
        cmocka_unit_test(a_number_is_digits_without_quotes),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(bad_durations_and_sizes_say_why),
        cmocka_unit_test(a_choice_is_one_of_its_words),
        cmocka_unit_test(a_function_has_a_name_by_the_rule),
        cmocka_unit_test(a_handler_stays_in_its_folder),
        cmocka_unit_test(an_empty_list_of_triggers_is_refused),
        cmocka_unit_test(lists_have_a_longest_length),
        cmocka_unit_test(a_bad_filter_is_pointed_at),
        cmocka_unit_test(an_unquoted_hash_is_explained),
        cmocka_unit_test(min_is_not_above_max),
        cmocka_unit_test(max_backoff_is_not_below_backoff),
        cmocka_unit_test(a_bad_value_gets_no_second_complaint),
        cmocka_unit_test(order_names_what_every_trigger_captures),
        cmocka_unit_test(publishes_names_what_some_trigger_captures),
        cmocka_unit_test(a_dead_letter_goes_to_one_topic),
        cmocka_unit_test(config_holds_texts_only),
        cmocka_unit_test(config_from_a_file_names_one_and_nothing_else),
        cmocka_unit_test(config_fits_one_frame_to_a_worker),
        cmocka_unit_test(all_complaints_come_at_once_in_the_order_of_the_file),
        cmocka_unit_test(more_complaints_than_are_kept_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

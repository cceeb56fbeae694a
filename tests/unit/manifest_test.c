/* What a good manifest becomes. */
#include "manifest_says.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_least_manifest_gets_every_default(void **unused)
{
    struct manifest *m = accepted(LEAST);
    (void)unused;
    assert_string_equal(m->function, "f");
    assert_string_equal(m->handler, "f.so");
    assert_null(m->description);
    assert_int_equal(m->trigger_count, 1);
    assert_string_equal(m->triggers[0].topic, "home/{room}/t");
    assert_int_equal(m->triggers[0].qos, 1);
    assert_true(m->triggers[0].retained);
    assert_int_equal(m->publish_count, 0);
    assert_int_equal(m->timeout_ns, 10000000000);
    assert_int_equal(m->instances_min, 0);
    assert_int_equal(m->instances_max, 1);
    assert_int_equal(m->instances_idle_ns, 60000000000);
    assert_int_equal(m->order, ORDER_TOPIC);
    assert_null(m->order_capture);
    assert_int_equal(m->retry_attempts, 3);
    assert_int_equal(m->retry_backoff_ns, 200000000);
    assert_int_equal(m->retry_max_backoff_ns, 30000000000);
    assert_string_equal(m->dead_letter, "hark/dead/f");
    assert_int_equal(m->limit_payload_bytes, 262144);
    assert_int_equal(m->limit_queue, 1000);
    assert_int_equal(m->limit_publishes, 1000);
    assert_int_equal(m->limit_memory_bytes, 67108864);
    assert_int_equal(m->limit_cpu_s, 0);
    assert_int_equal(m->limit_threads, 1);
    assert_int_equal(m->limit_files, 16);
    assert_int_equal(m->limit_log_bytes, 65536);
    assert_int_equal(m->config_count, 0);
    assert_int_equal(m->session_expiry_s, 86400);
    assert_string_equal(m->file, "m.yaml");
    manifest_free(m);
}

static const char full[] = "function: thermostat-2\n"
                           "handler: lib/thermostat.so\n"
                           "description: Keeps each room at its set point\n"
                           "triggers:\n"
                           "  - topic: home/{room}/temperature # as in a house\n"
                           "    qos: 2\n"
                           "    retained: skip\n"
                           "  - { topic: \"office/{room}/#\", qos: 0 }\n"
                           "publishes: [ \"home/{room}/heater\", log/+ ]\n"
                           "timeout: 2s\n"
                           "instances: { min: 2, max: 256, idle: 0s }\n"
                           "order: {room}\n"
                           "retry: { attempts: 100, backoff: 1h, max_backoff: 1d }\n"
                           "dead_letter: dead/t\n"
                           "limits: { payload: 16MiB, queue: 65535, publishes: 0, memory: 4GiB,\n"
                           "          cpu: 90s, threads: 256, files: 1024, log: 1MiB/s }\n"
                           "config: { setpoint: \"21.5\", Mode: eco, on: yes, empty: \"\" }\n"
                           "session: { expiry: 3650d }\n";

static void every_key_arrives(void **unused)
{
    struct manifest *m = accepted(full);
    (void)unused;
    assert_string_equal(m->function, "thermostat-2");
    assert_string_equal(m->handler, "lib/thermostat.so");
    assert_string_equal(m->description, "Keeps each room at its set point");
    assert_int_equal(m->timeout_ns, 2000000000);
    assert_int_equal(m->instances_min, 2);
    assert_int_equal(m->instances_max, 256);
    assert_int_equal(m->instances_idle_ns, 0);
    assert_int_equal(m->order, ORDER_CAPTURE);
    assert_string_equal(m->order_capture, "room");
    assert_int_equal(m->retry_attempts, 100);
    assert_int_equal(m->retry_backoff_ns, 3600000000000);
    assert_int_equal(m->retry_max_backoff_ns, 86400000000000);
    assert_string_equal(m->dead_letter, "dead/t");
    assert_int_equal(m->limit_payload_bytes, 16777216);
    assert_int_equal(m->limit_queue, 65535);
    assert_int_equal(m->limit_publishes, 0);
    assert_int_equal(m->limit_memory_bytes, 4294967296);
    assert_int_equal(m->limit_cpu_s, 90);
    assert_int_equal(m->limit_threads, 256);
    assert_int_equal(m->limit_files, 1024);
    assert_int_equal(m->limit_log_bytes, 1048576);
    assert_int_equal(m->session_expiry_s, 315360000);
    manifest_free(m);
}

static void every_item_of_a_list_arrives(void **unused)
{
    struct manifest *m = accepted(full);
    (void)unused;
    assert_int_equal(m->trigger_count, 2);
    assert_int_equal(m->triggers[0].qos, 2);
    assert_false(m->triggers[0].retained);
    assert_string_equal(m->triggers[1].topic, "office/{room}/#");
    assert_int_equal(m->triggers[1].qos, 0);
    assert_true(m->triggers[1].retained);
    assert_int_equal(m->publish_count, 2);
    assert_string_equal(m->publishes[0], "home/{room}/heater");
    assert_string_equal(m->publishes[1], "log/+");
    manifest_free(m);
}

static void config_may_name_a_file_instead(void **unused)
{
    struct manifest *m = accepted(LEAST "config: { a: b, key: { from_file: keys/api.key } }\n");
    (void)unused;
    assert_int_equal(m->config_count, 2);
    assert_null(m->config[0].from_file);
    assert_string_equal(m->config[1].key, "key");
    assert_string_equal(m->config[1].from_file, "keys/api.key");
    assert_null(m->config[1].value);
    assert_int_equal(m->config[1].line, 5);
    manifest_free(m);
}

static void config_keeps_the_text_as_written(void **unused)
{
    static const char *const pairs[][2] = {
        {"setpoint", "21.5"}, {"Mode", "eco"}, {"on", "yes"}, {"empty", ""}};
    struct manifest *m = accepted(full);
    (void)unused;
    assert_int_equal(m->config_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(m->config[i].key, pairs[i][0]);
        assert_string_equal(m->config[i].value, pairs[i][1]);
    }
    manifest_free(m);
    m = accepted(LEAST "config: { a: 0x10, b: 1.50, c: true, d: 'null' }\n");
    assert_string_equal(m->config[0].value, "0x10");
    assert_string_equal(m->config[1].value, "1.50");
    assert_string_equal(m->config[2].value, "true");
    assert_string_equal(m->config[3].value, "null");
    manifest_free(m);
}

static void places_for_later_complaints_are_kept(void **unused)
{
    struct manifest *m = accepted(full);
    (void)unused;
    assert_int_equal(m->function_line, 1);
    assert_int_equal(m->function_column, 11);
    assert_int_equal(m->handler_line, 2);
    assert_int_equal(m->handler_column, 10);
    manifest_free(m);
}

static void order_is_written_in_five_ways(void **unused)
{
    static const struct {
        const char *text;
        enum manifest_order order;
    } cases[] = {{"none", ORDER_NONE},
                 {"topic", ORDER_TOPIC},
                 {"all", ORDER_ALL},
                 {"{room}", ORDER_CAPTURE},
                 {"\"{room}\"", ORDER_CAPTURE}};
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, LEAST "order: %s\n", cases[i].text);
        struct manifest *m = accepted(text);
        assert_int_equal(m->order, cases[i].order);
        if (m->order == ORDER_CAPTURE)
            assert_string_equal(m->order_capture, "room");
        manifest_free(m);
    }
}

static void dead_letter_none_is_no_topic(void **unused)
{
    struct manifest *m = accepted(LEAST "dead_letter: none\n");
    (void)unused;
    assert_null(m->dead_letter);
    manifest_free(m);
}

static void handlers_inside_the_folder_and_absolute_ones_are_good(void **unused)
{
    static const char *const paths[] = {"a.so", "a/b.so", "./a.so", "a..so", "..a/b.so", "/usr/lib/../a.so"};
    (void)unused;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char text[256];
        snprintf(text, sizeof text, "function: f\nhandler: %s\ntriggers: [{topic: a}]\n", paths[i]);
        struct manifest *m = accepted(text);
        assert_string_equal(m->handler, paths[i]);
        manifest_free(m);
    }
}

static void other_line_ends_and_a_byte_order_mark_are_good(void **unused)
{
    struct manifest *m = accepted("\xef\xbb\xbf"
                                  "function: f\r\nhandler: f.so\r\ntriggers:\r\n  - topic: a\r\n");
    (void)unused;
    assert_string_equal(m->function, "f");
    assert_string_equal(m->triggers[0].topic, "a");
    manifest_free(m);
}

static void json_is_good(void **unused)
{
    struct manifest *m =
        accepted("{\"function\": \"f\", \"handler\": \"f.so\", \"triggers\": [{\"topic\": \"#\"}]}");
    (void)unused;
    assert_string_equal(m->triggers[0].topic, "#");
    manifest_free(m);
}

static void a_name_may_be_digits(void **unused)
{
    struct manifest *m = accepted("function: 42\nhandler: f.so\ntriggers: [{topic: a}]\n");
    (void)unused;
    assert_string_equal(m->function, "42");
    manifest_free(m);
}

static void a_name_of_63_bytes_is_good(void **unused)
{
    struct manifest *m =
        accepted("function: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                 "handler: f.so\ntriggers: [{topic: a}]\n");
    (void)unused;
    assert_int_equal(strlen(m->function), MANIFEST_NAME_MAX);
    manifest_free(m);
}

/* ---- a bare .so ---- */

static void handler_is_called(const char *path, const char *name)
{
    struct manifest *m = manifest_for_handler(path);
    assert_non_null(m);
    assert_string_equal(m->function, name);
    assert_string_equal(m->handler, path);
    assert_int_equal(m->trigger_count, 1);
    assert_string_equal(m->triggers[0].topic, "#");
    assert_int_equal(m->timeout_ns, 10000000000);
    manifest_free(m);
}

static void a_bare_handler_is_named_after_its_file(void **unused)
{
    (void)unused;
    handler_is_called("thermostat.so", "thermostat");
    handler_is_called("/usr/lib/My_Function.so.1", "my-function");
    handler_is_called("-_.so", "function");
    handler_is_called("/", "function");
    handler_is_called("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.so",
                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_manifest_gets_every_default),
        cmocka_unit_test(every_key_arrives),
        cmocka_unit_test(every_item_of_a_list_arrives),
        cmocka_unit_test(config_may_name_a_file_instead),
        cmocka_unit_test(config_keeps_the_text_as_written),
        cmocka_unit_test(places_for_later_complaints_are_kept),
        cmocka_unit_test(order_is_written_in_five_ways),
        cmocka_unit_test(dead_letter_none_is_no_topic),
        cmocka_unit_test(handlers_inside_the_folder_and_absolute_ones_are_good),
        cmocka_unit_test(other_line_ends_and_a_byte_order_mark_are_good),
        cmocka_unit_test(json_is_good),
        cmocka_unit_test(a_name_may_be_digits),
        cmocka_unit_test(a_name_of_63_bytes_is_good),
        cmocka_unit_test(a_bare_handler_is_named_after_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A line of text becomes a message, or one complaint. */
#include "cli/message_json.h"
#include "cli/message_parse.h"

#include "support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct parsed_message message;

static void read_line(const char *line)
{
    struct diag diag = {0};
    if (message_parse(slice_of(line), &message, &diag) < 0)
        fail_msg("%s: %s", line, diag.text);
}

static void assert_slice(struct slice s, const char *text)
{
    assert_non_null(s.data);
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}

static void assert_refused(const char *line, const char *why)
{
    struct parsed_message m;
    struct diag diag = {0};
    assert_int_equal(message_parse(slice_of(line), &m, &diag), -EINVAL);
    assert_string_equal(diag.text, why);
}

static void a_topic_in_brackets_and_a_payload(void **unused)
{
    (void)unused;
    read_line("[home/kitchen/temperature] 18");
    assert_slice(message.mqtt.topic, "home/kitchen/temperature");
    assert_slice(message.mqtt.payload, "18");
    assert_int_equal(message.mqtt.qos, 1);
    message_parse_finish(&message);
}

static void the_payload_keeps_its_blanks_and_may_be_absent(void **unused)
{
    (void)unused;
    read_line("[a]  b ] c ");
    assert_slice(message.mqtt.payload, " b ] c ");
    message_parse_finish(&message);
    const char *const empty[] = {"[a]", "[a] "};
    for (size_t i = 0; i < 2; i++) {
        read_line(empty[i]);
        assert_slice(message.mqtt.topic, "a");
        assert_slice(message.mqtt.payload, "");
        message_parse_finish(&message);
    }
}

static void an_object_says_every_field(void **unused)
{
    (void)unused;
    read_line(
        "{\"time\":\"2026-11-22T10:00:00.5Z\",\"topic\":\"a/"
        "b\",\"payload\":\"x\",\"qos\":2,\"retained\":true,"
        "\"content_type\":\"text/plain\",\"response_topic\":\"r\",\"correlation\":\"c\","
        "\"properties\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"k\",\"value\":\"\"}],\"expiry_s\":9}");
    const struct mqtt_message *m = &message.mqtt;
    assert_slice(m->topic, "a/b");
    assert_slice(m->payload, "x");
    assert_slice(m->content_type, "text/plain");
    assert_slice(m->response_topic, "r");
    assert_slice(m->correlation, "c");
    assert_int_equal(m->qos, 2);
    assert_true(m->retained && m->has_expiry);
    assert_int_equal(m->expiry_s, 9);
    assert_int_equal(m->property_count, 2);
    assert_slice(m->properties[0].key, "k");
    assert_slice(m->properties[0].value, "v");
    assert_slice(m->properties[1].value, "");
    assert_string_equal(message.time, "2026-11-22T10:00:00.5Z");
    message_parse_finish(&message);
}

static void bytes_come_in_base64(void **unused)
{
    (void)unused;
    const struct {
        const char *base64, *bytes;
        size_t len;
    } rows[] = {{"", "", 0}, {"AA==", "\0", 1}, {"AP8=", "\0\xff", 2}, {"AP8B", "\0\xff\1", 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[128];
        snprintf(line, sizeof line,
                 "{\"topic\":\"a\",\"payload_base64\":\"%s\",\"correlation_base64\":\"%s\"}", rows[i].base64,
                 rows[i].base64);
        read_line(line);
        assert_int_equal(message.mqtt.payload.len, rows[i].len);
        assert_memory_equal(message.mqtt.payload.data, rows[i].bytes, rows[i].len);
        assert_int_equal(message.mqtt.correlation.len, rows[i].len);
        message_parse_finish(&message);
    }
}

static void a_payload_may_be_any_json(void **unused)
{
    (void)unused;
    read_line("{\"topic\":\"a\",\"payload_json\":{\"t\":[1,null,\"x\"]}}");
    assert_slice(message.mqtt.payload, "{\"t\":[1,null,\"x\"]}");
    message_parse_finish(&message);
    read_line("{\"topic\":\"a\",\"payload_json\":18.5}");
    assert_slice(message.mqtt.payload, "18.5");
    message_parse_finish(&message);
}

static void a_tick_has_a_timer_and_no_topic(void **unused)
{
    (void)unused;
    read_line("{\"timer\":\"every 30s\"}");
    assert_string_equal(message.timer, "every 30s");
    assert_null(message.mqtt.topic.data);
    message_parse_finish(&message);
}

static void what_is_printed_is_read(void **unused)
{
    (void)unused;
    struct property pair = {slice_of("k"), slice_of("\"v\"\n")};
    const struct mqtt_publish publish = {.topic = slice_of("a/ü"),
                                         .payload = slice_make("\0\1\xfe", 3),
                                         .content_type = slice_of("x/y"),
                                         .response_topic = slice_of("r"),
                                         .correlation = slice_make("\xff", 1),
                                         .properties = &pair,
                                         .property_count = 1,
                                         .expiry_s = UINT32_MAX,
                                         .has_expiry = true,
                                         .retain = true};
    json_t *object = message_json(&publish);
    char *line = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    read_line(line);
    free(line);
    assert_slice(message.mqtt.topic, "a/ü");
    assert_int_equal(message.mqtt.payload.len, 3);
    assert_memory_equal(message.mqtt.payload.data, "\0\1\xfe", 3);
    assert_memory_equal(message.mqtt.correlation.data, "\xff", 1);
    assert_slice(message.mqtt.properties[0].value, "\"v\"\n");
    assert_int_equal(message.mqtt.qos, 0);
    assert_int_equal(message.mqtt.expiry_s, UINT32_MAX);
    assert_true(message.mqtt.retained);
    message_parse_finish(&message);
}

#define NEITHER "'[topic] payload' is needed, with these brackets, or an object of JSON"

static void a_line_that_is_neither_is_refused(void **unused)
{
    (void)unused;
    assert_refused("", NEITHER);
    assert_refused("18", NEITHER);
    assert_refused("{\"topic\":\"a\"", "no JSON: '}' expected near end of file");
    assert_refused("home/hall/temperature 18", NEITHER);
    assert_refused(" [a] 18", NEITHER);
    assert_refused("[a", NEITHER);
    assert_refused("[a]b", NEITHER);
    assert_refused("[] x", "'[...]' holds no topic: 1 to 65,535 bytes of UTF-8 without + and # are needed");
    assert_refused("[a/+] x",
                   "'[...]' holds no topic: 1 to 65,535 bytes of UTF-8 without + and # are needed");
}

static void a_key_that_is_wrong_is_named(void **unused)
{
    (void)unused;
    assert_refused("{}", "a 'topic' is needed, or a 'timer'");
    assert_refused("{\"topic\":\"a\",\"timer\":\"every 1s\"}", "a 'topic' is needed, or a 'timer'");
    assert_refused("{\"topic\":\"a\",\"payloda\":\"x\"}", "unknown key 'payloda': did you mean 'payload'?");
    assert_refused("{\"topic\":\"a\",\"zzzzzz\":1}", "unknown key 'zzzzzz'");
    assert_refused("{\"topic\":\"#\"}",
                   "'topic': no topic: 1 to 65,535 bytes of UTF-8 without + and # are needed");
    assert_refused("{\"topic\":7}", "'topic': a text is needed");
    assert_refused("{\"topic\":\"a\",\"payload\":7}", "'payload': a text is needed");
    assert_refused("{\"topic\":\"a\",\"payload\":\"\",\"payload_json\":7}",
                   "'payload_json': there is a payload already");
    assert_refused("{\"topic\":\"a\",\"payload_base64\":\"A\"}", "'payload_base64': no base64");
    assert_refused("{\"topic\":\"a\",\"payload_base64\":\"A!==\"}", "'payload_base64': no base64");
    assert_refused("{\"topic\":\"a\",\"qos\":3}", "'qos': a number from 0 to 2 is needed");
    assert_refused("{\"topic\":\"a\",\"retained\":1}", "'retained': true or false is needed");
    assert_refused("{\"topic\":\"a\",\"expiry_s\":4294967296}",
                   "'expiry_s': a number from 0 to 4294967295 is needed");
    assert_refused("{\"topic\":\"a\",\"properties\":{}}", "'properties': a list of at most 64 is needed");
    assert_refused("{\"topic\":\"a\",\"properties\":[{\"key\":\"k\"}]}",
                   "'properties': objects with a 'key' and a 'value' are needed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_in_brackets_and_a_payload),
        cmocka_unit_test(the_payload_keeps_its_blanks_and_may_be_absent),
        cmocka_unit_test(an_object_says_every_field),
        cmocka_unit_test(bytes_come_in_base64),
        cmocka_unit_test(a_payload_may_be_any_json),
        cmocka_unit_test(a_tick_has_a_timer_and_no_topic),
        cmocka_unit_test(what_is_printed_is_read),
        cmocka_unit_test(a_line_that_is_neither_is_refused),
        cmocka_unit_test(a_key_that_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* packet_write_test.c: what a client sends, byte by byte, and read back where the decoder can. */
#include "packet_samples.h"

#include <errno.h>

static struct buffer out;

static int teardown(void **unused)
{
    (void)unused;
    buffer_finish(&out);
    return 0;
}

static void assert_sent(struct slice expected)
{
    assert_false(buffer_failed(&out));
    assert_int_equal(buffer_length(&out), expected.len);
    assert_memory_equal(buffer_data(&out), expected.data, expected.len);
    buffer_clear(&out);
}

static void connect_of_mqtt_5_leaves_out_what_has_its_default(void **unused)
{
    (void)unused;
    struct packet_connect c = {.client_id = BYTES("me"), .keep_alive_s = 60, .receive_maximum = UINT16_MAX};
    packet_write_connect(&out, MQTT_5, &c);
    assert_sent(BYTES("\x10\x0f\0\4MQTT\5\0\0\x3c\0\0\2me"));
}

static void connect_of_mqtt_5_says_all_it_was_told(void **unused)
{
    (void)unused;
    struct packet_connect c = {
        .client_id = BYTES("me"),
        .username = BYTES("u"),
        .password = BYTES(""),
        .clean_start = true,
        .no_problem_information = true,
        .receive_maximum = 20,
        .topic_alias_maximum = 10,
        .session_expiry_s = 0xffffffff,
        .maximum_packet_size = 65536,
    };
    packet_write_connect(&out, MQTT_5, &c);
    assert_sent(
        BYTES("\x10\x26\0\4MQTT\5\xc2\0\0\x12\x11\xff\xff\xff\xff\x21\0\x14\x27\0\1\0\0\x22\0\x0a\x17\0"
              "\0\2me\0\1u\0\0"));
}

static void connect_of_3_1_1_has_no_properties(void **unused)
{
    (void)unused;
    struct packet_connect c = {.client_id = BYTES("me"), .clean_start = true, .session_expiry_s = 9};
    packet_write_connect(&out, MQTT_3_1_1, &c);
    assert_sent(BYTES("\x10\x0e\0\4MQTT\4\2\0\0\0\2me"));
}

static void a_will_stands_between_client_id_and_user(void **unused)
{
    (void)unused;
    struct packet_connect c = {.client_id = BYTES("m"),
                               .username = BYTES("u"),
                               .will_topic = BYTES("w/t"),
                               .will_payload = BYTES("off"),
                               .clean_start = true,
                               .receive_maximum = UINT16_MAX};
    packet_write_connect(&out, MQTT_5, &c);
    assert_sent(BYTES("\x10\x1c\0\4MQTT\5\xae\0\0\0\0\1m\0\0\3w/t\0\3off\0\1u"));
    packet_write_connect(&out, MQTT_3_1_1, &c);
    assert_sent(BYTES("\x10\x1a\0\4MQTT\4\xae\0\0\0\1m\0\3w/t\0\3off\0\1u"));
}

/* MQTT-3.1.2-22 of 3.1.1: no password without a user name */
static void a_lone_password_gets_an_empty_user_in_3_1_1_only(void **unused)
{
    (void)unused;
    struct packet_connect c = {
        .client_id = BYTES("m"), .password = BYTES("p"), .receive_maximum = UINT16_MAX};
    packet_write_connect(&out, MQTT_3_1_1, &c);
    assert_sent(BYTES("\x10\x12\0\4MQTT\4\xc0\0\0\0\1m\0\0\0\1p"));
    packet_write_connect(&out, MQTT_5, &c);
    assert_sent(BYTES("\x10\x11\0\4MQTT\5\x40\0\0\0\0\1m\0\1p"));
}

static const struct property user[] = {{BYTES_INIT("k"), BYTES_INIT("v")}, {BYTES_INIT("k"), BYTES_INIT("")}};

static struct mqtt_publish full_publish(void)
{
    return (struct mqtt_publish){
        .topic = BYTES("t"),
        .payload = BYTES("!"),
        .content_type = BYTES("text"),
        .response_topic = BYTES("r/t"),
        .correlation = BYTES("c"),
        .properties = user,
        .property_count = 2,
        .expiry_s = 258,
        .has_expiry = true,
        .qos = 1,
        .retain = true,
    };
}

static void a_publish_has_its_properties_in_mqtt_5(void **unused)
{
    (void)unused;
    struct mqtt_publish p = full_publish();
    packet_write_publish(&out, MQTT_5, &p, 0x0102, false);
    assert_int_equal(buffer_length(&out), packet_publish_bytes(MQTT_5, &p));
    assert_sent(
        BYTES("\x33\x2a\0\1t\1\2\x23\2\0\0\1\2\3\0\4text\x08\0\3r/t\x09\0\1c\x26\0\1k\0\1v\x26\0\1k\0\0!"));
}

static void the_head_of_a_publish_is_all_but_its_payload(void **unused)
{
    (void)unused;
    struct mqtt_publish p = full_publish();
    packet_write_publish_head(&out, MQTT_5, &p, 0x0102, false);
    assert_sent(
        BYTES("\x33\x2a\0\1t\1\2\x23\2\0\0\1\2\3\0\4text\x08\0\3r/t\x09\0\1c\x26\0\1k\0\1v\x26\0\1k\0\0"));
}

static void a_publish_has_none_in_3_1_1(void **unused)
{
    (void)unused;
    struct mqtt_publish p = full_publish();
    packet_write_publish(&out, MQTT_3_1_1, &p, 0x0102, true);
    assert_int_equal(buffer_length(&out), packet_publish_bytes(MQTT_3_1_1, &p));
    assert_sent(BYTES("\x3b\x06\0\1t\1\2!"));
}

static void a_publish_at_qos_0_has_no_packet_id(void **unused)
{
    (void)unused;
    struct mqtt_publish p = {.topic = BYTES("a/b")};
    packet_write_publish(&out, MQTT_5, &p, 0, false);
    assert_sent(BYTES("\x30\x06\0\3a/b\0"));
}

static void assert_reads_back(const struct mqtt_publish *p)
{
    struct packet packet;
    struct packet_fault fault;
    packet_write_publish(&out, MQTT_5, p, p->qos ? 9 : 0, false);
    size_t len = packet_publish_bytes(MQTT_5, p);
    assert_int_equal(buffer_length(&out), len);
    assert_int_equal(packet_decode(buffer_data(&out), len, MQTT_5, len, &packet, &fault), 1);
    assert_int_equal(packet.len, len);
    assert_true(slice_equal(packet.u.publish.topic, p->topic));
    assert_int_equal(packet.u.publish.payload.len, p->payload.len);
    assert_int_equal(packet.u.publish.qos, p->qos);
    buffer_clear(&out);
}

/* 1.5.5: where the length grows by a byte */
static void a_publish_of_any_length_reads_back(void **unused)
{
    (void)unused;
    static const size_t edges[] = {127, 16383, 2097151};
    char *payload = calloc(1, 2097160);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        for (size_t len = edges[i] - 8; len < edges[i] + 3; len++) {
            struct mqtt_publish p = {
                .topic = BYTES("t"), .payload = slice_make(payload, len), .qos = len & 1};
            assert_reads_back(&p);
        }
    }
    free(payload);
}

static void a_publish_that_breaks_a_rule_is_not_sent(void **unused)
{
    (void)unused;
    static const struct property bad[] = {{BYTES_INIT("k"), BYTES_INIT("\xff")}};
    const struct mqtt_publish rows[] = {
        {.topic = BYTES("")},
        {.topic = BYTES("a/+")},
        {.topic = BYTES("a\xff")},
        {.topic = BYTES("a"), .qos = 3},
        {.topic = BYTES("a"), .response_topic = BYTES("r/#")},
        {.topic = BYTES("a"), .response_topic = BYTES("")},
        {.topic = BYTES("a"), .content_type = BYTES("\xc0\x80")},
        {.topic = BYTES("a"), .properties = bad, .property_count = 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(packet_publish_check(&rows[i]), -EINVAL);
}

static void strings_longer_than_their_length_field_are_not_sent(void **unused)
{
    (void)unused;
    char *text = malloc(65536);
    memset(text, 'x', 65536);
    struct slice longest = slice_make(text, 65535), longer = slice_make(text, 65536);
    struct property key_too_long = {longer, BYTES("")};
    const struct mqtt_publish fits = {.topic = longest, .content_type = longest, .correlation = longest};
    const struct mqtt_publish rows[] = {
        {.topic = longer},
        {.topic = BYTES("a"), .content_type = longer},
        {.topic = BYTES("a"), .correlation = longer},
        {.topic = BYTES("a"), .response_topic = longer},
        {.topic = BYTES("a"), .properties = &key_too_long, .property_count = 1},
    };
    assert_int_equal(packet_publish_check(&fits), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(packet_publish_check(&rows[i]), -EINVAL);
    free(text);
}

/* 2.1.4. The payload is measured, never read. */
static void a_packet_beyond_the_longest_is_not_sent(void **unused)
{
    (void)unused;
    struct mqtt_publish p = {.topic = BYTES("t"), .payload = slice_make("", 268435455 - 4)};
    assert_int_equal(packet_publish_check(&p), 0);
    assert_int_equal(packet_publish_bytes(MQTT_5, &p), MQTT_PACKET_MAX);
    p.payload.len++;
    assert_int_equal(packet_publish_check(&p), -EMSGSIZE);
}

static void an_ack_is_as_short_as_it_can_be(void **unused)
{
    (void)unused;
    packet_write_ack(&out, MQTT_5, PACKET_PUBACK, 0x0102, PACKET_SUCCESS);
    assert_sent(BYTES("\x40\2\1\2"));
    packet_write_ack(&out, MQTT_5, PACKET_PUBREC, 1, PACKET_QUOTA_EXCEEDED);
    assert_sent(BYTES("\x50\3\0\1\x97"));
    packet_write_ack(&out, MQTT_5, PACKET_PUBREL, 1, PACKET_SUCCESS); /* MQTT-3.6.1-1 */
    assert_sent(BYTES("\x62\2\0\1"));
    packet_write_ack(&out, MQTT_3_1_1, PACKET_PUBCOMP, 1, PACKET_ID_NOT_FOUND);
    assert_sent(BYTES("\x70\2\0\1"));
}

static void subscribe_carries_options_and_identifier(void **unused)
{
    (void)unused;
    const struct packet_subscription wanted[] = {
        {.filter = BYTES("a/+"), .qos = 1, .retain_handling = 2},
        {.filter = BYTES("#"), .qos = 2, .no_local = true, .retain_as_published = true},
    };
    packet_write_subscribe(&out, MQTT_5, 10, wanted, 2, 200);
    assert_sent(BYTES("\x82\x10\0\x0a\3\x0b\xc8\1\0\3a/+\x21\0\1#\x0e"));
    packet_write_subscribe(&out, MQTT_5, 10, wanted, 1, 0);
    assert_sent(BYTES("\x82\x09\0\x0a\0\0\3a/+\x21"));
    packet_write_subscribe(&out, MQTT_3_1_1, 10, wanted, 2, 200);
    assert_sent(BYTES("\x82\x0c\0\x0a\0\3a/+\1\0\1#\2"));
}

static void unsubscribe_names_its_filters(void **unused)
{
    (void)unused;
    const struct slice filters[] = {BYTES("a/+"), BYTES("#")};
    packet_write_unsubscribe(&out, MQTT_5, 10, filters, 2);
    assert_sent(BYTES("\xa2\x0b\0\x0a\0\0\3a/+\0\1#"));
    packet_write_unsubscribe(&out, MQTT_3_1_1, 10, filters, 1);
    assert_sent(BYTES("\xa2\7\0\x0a\0\3a/+"));
}

static void disconnect_is_as_short_as_it_can_be(void **unused)
{
    (void)unused;
    const uint32_t never = 0;
    packet_write_disconnect(&out, MQTT_5, PACKET_SUCCESS, NULL);
    assert_sent(BYTES("\xe0\0"));
    packet_write_disconnect(&out, MQTT_5, PACKET_MALFORMED, NULL);
    assert_sent(BYTES("\xe0\1\x81"));
    packet_write_disconnect(&out, MQTT_5, PACKET_SUCCESS, &never);
    assert_sent(BYTES("\xe0\7\0\5\x11\0\0\0\0"));
    packet_write_disconnect(&out, MQTT_3_1_1, PACKET_MALFORMED, &never);
    assert_sent(BYTES("\xe0\0"));
}

static void packets_follow_one_another(void **unused)
{
    (void)unused;
    packet_write_pingreq(&out);
    packet_write_ack(&out, MQTT_5, PACKET_PUBACK, 1, PACKET_SUCCESS);
    packet_write_pingreq(&out);
    assert_sent(BYTES("\xc0\0\x40\2\0\1\xc0\0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(connect_of_mqtt_5_leaves_out_what_has_its_default, teardown),
        cmocka_unit_test_teardown(connect_of_mqtt_5_says_all_it_was_told, teardown),
        cmocka_unit_test_teardown(connect_of_3_1_1_has_no_properties, teardown),
        cmocka_unit_test_teardown(a_will_stands_between_client_id_and_user, teardown),
        cmocka_unit_test_teardown(a_lone_password_gets_an_empty_user_in_3_1_1_only, teardown),
        cmocka_unit_test_teardown(a_publish_has_its_properties_in_mqtt_5, teardown),
        cmocka_unit_test_teardown(the_head_of_a_publish_is_all_but_its_payload, teardown),
        cmocka_unit_test_teardown(a_publish_has_none_in_3_1_1, teardown),
        cmocka_unit_test_teardown(a_publish_at_qos_0_has_no_packet_id, teardown),
        cmocka_unit_test_teardown(a_publish_of_any_length_reads_back, teardown),
        cmocka_unit_test(a_publish_that_breaks_a_rule_is_not_sent),
        cmocka_unit_test(strings_longer_than_their_length_field_are_not_sent),
        cmocka_unit_test(a_packet_beyond_the_longest_is_not_sent),
        cmocka_unit_test_teardown(an_ack_is_as_short_as_it_can_be, teardown),
        cmocka_unit_test_teardown(subscribe_carries_options_and_identifier, teardown),
        cmocka_unit_test_teardown(unsubscribe_names_its_filters, teardown),
        cmocka_unit_test_teardown(disconnect_is_as_short_as_it_can_be, teardown),
        cmocka_unit_test_teardown(packets_follow_one_another, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

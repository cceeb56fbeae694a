/* packet_test.c: what packet_decode takes, and what it hands out. packet_refuse_test.c: what it refuses. */
#include "packet_samples.h"

#include <errno.h>

static struct packet packet;
static struct packet_fault fault;

static void given(enum mqtt_protocol protocol, struct slice bytes)
{
    int r = packet_decode((const uint8_t *)bytes.data, bytes.len, protocol, MQTT_PACKET_MAX, &packet, &fault);
    if (r < 0)
        fail_msg("refused: %s", fault.text);
    assert_int_equal(r, 1);
    assert_int_equal(packet.len, bytes.len);
}

static void assert_text(struct slice actual, const char *expected)
{
    if (!slice_equal(actual, slice_of(expected)))
        fail_msg("'%.*s' is not '%s'", SLICE_ARG(actual), expected ? expected : "(absent)");
}

/* ---- PUBLISH ---- */

static void a_plain_publish_has_topic_and_payload(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x30\x08\0\3a/b\0hi"));
    assert_int_equal(packet.type, PACKET_PUBLISH);
    assert_text(packet.u.publish.topic, "a/b");
    assert_text(packet.u.publish.payload, "hi");
    assert_int_equal(packet.u.publish.id, 0);
    assert_int_equal(packet.u.publish.qos, 0);
    assert_null(packet.u.publish.content_type.data);
    assert_false(packet.u.publish.has_expiry);
}

static void a_publish_of_3_1_1_has_no_property_length(void **unused)
{
    (void)unused;
    given(MQTT_3_1_1, BYTES("\x30\x06\0\3a/b\0"));
    assert_int_equal(packet.u.publish.payload.len, 1);
}

static void publish_flags_are_told_apart(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x3d\x06\0\1a\1\2\0")); /* DUP, QoS 2, RETAIN */
    assert_true(packet.u.publish.dup);
    assert_true(packet.u.publish.retain);
    assert_int_equal(packet.u.publish.qos, 2);
    assert_int_equal(packet.u.publish.id, 0x0102);
    given(MQTT_5, BYTES("\x32\x06\0\1a\xff\xff\0"));
    assert_false(packet.u.publish.dup);
    assert_false(packet.u.publish.retain);
    assert_int_equal(packet.u.publish.qos, 1);
    assert_int_equal(packet.u.publish.id, 0xffff);
}

static void every_property_of_a_publish_arrives(void **unused)
{
    (void)unused;
    struct property user[4];
    given(MQTT_5, FULL_PUBLISH);
    const struct packet_publish *p = &packet.u.publish;
    assert_true(p->payload_is_utf8);
    assert_true(p->has_expiry);
    assert_int_equal(p->expiry_s, 258);
    assert_int_equal(p->topic_alias, 7);
    assert_text(p->content_type, "text");
    assert_text(p->response_topic, "r/t");
    assert_text(p->correlation, "c");
    assert_int_equal(p->subscription_id_count, 2);
    assert_int_equal(p->subscription_ids[0], 1);
    assert_int_equal(p->subscription_ids[1], 268435455);
    assert_int_equal(p->user.count, 2);
    assert_int_equal(packet_user_properties_get(&p->user, user, 4), 2);
    assert_text(user[0].key, "k");
    assert_text(user[0].value, "v");
    assert_text(user[1].key, "k");
    assert_text(user[1].value, "");
    assert_text(p->payload, "!");
}

static void user_properties_are_handed_out_up_to_the_room_there_is(void **unused)
{
    (void)unused;
    struct property user[1];
    given(MQTT_5, FULL_PUBLISH);
    assert_int_equal(packet_user_properties_get(&packet.u.publish.user, user, 1), 1);
    assert_text(user[0].value, "v");
    given(MQTT_5, BYTES("\x30\x04\0\1a\0"));
    assert_int_equal(packet_user_properties_get(&packet.u.publish.user, user, 1), 0);
}

static void subscription_identifiers_beyond_the_maximum_are_dropped(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x30\x16\0\1a\x12\x0b\1\x0b\2\x0b\3\x0b\4\x0b\5\x0b\6\x0b\7\x0b\x08\x0b\x09"));
    assert_int_equal(packet.u.publish.subscription_id_count, MQTT_SUBSCRIPTION_IDS_MAX);
    assert_int_equal(packet.u.publish.subscription_ids[7], 8);
}

/* 3.3.2.1 */
static void an_empty_topic_is_fine_with_an_alias(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x30\x06\0\0\3\x23\0\1"));
    assert_int_equal(packet.u.publish.topic.len, 0);
    assert_int_equal(packet.u.publish.topic_alias, 1);
}

/* MQTT-3.3.2-14: brokers forward these unchecked, and would send them again on every new connection */
static void a_response_topic_that_is_none_is_left_out(void **unused)
{
    (void)unused;
    const struct slice rows[] = {
        BYTES("\x30\x09\0\1a\5\x08\0\2r+"),
        BYTES("\x30\x08\0\1a\4\x08\0\1#"),
        BYTES("\x30\x07\0\1a\3\x08\0\0"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        given(MQTT_5, rows[i]);
        assert_true(packet.u.publish.bad_response_topic);
        assert_null(packet.u.publish.response_topic.data);
        assert_text(packet.u.publish.topic, "a");
    }
    given(MQTT_5, FULL_PUBLISH);
    assert_false(packet.u.publish.bad_response_topic);
}

/* MQTT-3.3.2-4 */
static void an_unknown_payload_format_is_not_utf8(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x30\x06\0\1a\2\1\5"));
    assert_false(packet.u.publish.payload_is_utf8);
}

/* MQTT-1.5.4-3 */
static void a_byte_order_mark_is_kept(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x30\x07\0\4\xef\xbb\xbf"
                        "a\0"));
    assert_text(packet.u.publish.topic, "\xef\xbb\xbf"
                                        "a");
}

/* ---- acks ---- */

static void an_ack_of_two_bytes_means_success(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x40\x02\1\2"));
    assert_int_equal(packet.type, PACKET_PUBACK);
    assert_int_equal(packet.u.ack.id, 0x0102);
    assert_int_equal(packet.u.ack.reason, PACKET_SUCCESS);
}

static void an_ack_of_three_bytes_has_a_reason(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x62\x03\0\1\x92"));
    assert_int_equal(packet.type, PACKET_PUBREL);
    assert_int_equal(packet.u.ack.reason, PACKET_ID_NOT_FOUND);
    assert_null(packet.u.ack.reason_string.data);
}

static void a_longer_ack_has_properties(void **unused)
{
    (void)unused;
    struct property user[1];
    given(MQTT_5, BYTES("\x50\x04\0\1\x10\0"));
    assert_int_equal(packet.u.ack.reason, PACKET_NO_MATCHING_SUBSCRIBERS);
    given(MQTT_5, BYTES("\x40\x10\0\1\x97\x0c\x1f\0\2no\x26\0\1k\0\1v"));
    assert_text(packet.u.ack.reason_string, "no");
    assert_int_equal(packet_user_properties_get(&packet.u.ack.user, user, 1), 1);
    assert_text(user[0].key, "k");
}

static void a_suback_has_a_code_for_each_filter(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x90\x09\0\1\3\x1f\0\0\2\1\x87"));
    assert_int_equal(packet.u.suback.reasons.len, 3);
    assert_memory_equal(packet.u.suback.reasons.data, "\2\1\x87", 3);
    assert_text(packet.u.suback.reason_string, "");
    given(MQTT_3_1_1, BYTES("\x90\x04\0\1\x80\2"));
    assert_memory_equal(packet.u.suback.reasons.data, "\x80\2", 2);
}

static void an_unsuback_of_3_1_1_has_no_codes(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\xb0\x05\0\1\0\x11\0"));
    assert_memory_equal(packet.u.suback.reasons.data, "\x11\0", 2);
    given(MQTT_3_1_1, BYTES("\xb0\x02\0\1"));
    assert_int_equal(packet.u.suback.reasons.len, 0);
}

/* ---- CONNACK, DISCONNECT, AUTH ---- */

static void a_bare_connack_has_the_defaults_of_the_standard(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x20\x03\1\0\0"));
    const struct packet_connack *c = &packet.u.connack;
    assert_true(c->session_present);
    assert_true(c->retain_available && c->wildcard_available && c->subscription_ids_available);
    assert_true(c->shared_available);
    assert_int_equal(c->maximum_qos, 2);
    assert_int_equal(c->receive_maximum, 65535);
    assert_int_equal(c->topic_alias_maximum, 0);
    assert_int_equal(c->maximum_packet_size, MQTT_PACKET_MAX);
    assert_false(c->has_session_expiry || c->has_server_keep_alive);
    assert_null(c->assigned_client_id.data);
}

static void every_limit_of_a_connack_arrives(void **unused)
{
    (void)unused;
    given(MQTT_5, FULL_CONNACK);
    const struct packet_connack *c = &packet.u.connack;
    assert_true(c->has_session_expiry && c->has_server_keep_alive);
    assert_int_equal(c->session_expiry_s, 0xffffffff);
    assert_int_equal(c->receive_maximum, 20);
    assert_int_equal(c->maximum_qos, 1);
    assert_false(c->retain_available || c->wildcard_available || c->subscription_ids_available);
    assert_false(c->shared_available);
    assert_int_equal(c->maximum_packet_size, 65536);
    assert_int_equal(c->topic_alias_maximum, 10);
    assert_int_equal(c->server_keep_alive_s, 30);
}

static void every_string_of_a_connack_arrives(void **unused)
{
    (void)unused;
    given(MQTT_5, FULL_CONNACK);
    const struct packet_connack *c = &packet.u.connack;
    assert_text(c->assigned_client_id, "me");
    assert_text(c->reason_string, "hi");
    assert_text(c->response_information, "ri");
    assert_text(c->server_reference, "sr");
    assert_text(c->auth_method, "am");
    assert_text(c->auth_data, "ad");
    assert_int_equal(c->user.count, 1);
}

static void return_codes_of_3_1_1_become_reason_codes(void **unused)
{
    (void)unused;
    static const uint8_t expected[] = {0x00, 0x84, 0x85, 0x88, 0x86, 0x87};
    for (size_t code = 0; code < sizeof expected; code++) {
        const uint8_t bytes[] = {0x20, 2, 0, (uint8_t)code};
        given(MQTT_3_1_1, slice_make(bytes, sizeof bytes));
        assert_int_equal(packet.u.connack.reason, expected[code]);
    }
}

static void a_server_without_mqtt_5_is_understood(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\x20\x02\0\1"));
    assert_int_equal(packet.u.connack.reason, PACKET_UNSUPPORTED_VERSION);
    given(MQTT_5, BYTES("\x20\x02\0\x84"));
    assert_int_equal(packet.u.connack.reason, PACKET_UNSUPPORTED_VERSION);
}

static void a_disconnect_may_leave_out_all_it_has(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\xe0\0"));
    assert_int_equal(packet.u.farewell.reason, PACKET_SUCCESS);
    given(MQTT_5, BYTES("\xe0\1\x8e"));
    assert_int_equal(packet.u.farewell.reason, PACKET_SESSION_TAKEN_OVER);
    given(MQTT_5, BYTES("\xe0\x09\x9d\x07\x1c\0\4host"));
    assert_text(packet.u.farewell.server_reference, "host");
}

static void an_auth_has_its_method_and_data(void **unused)
{
    (void)unused;
    given(MQTT_5, BYTES("\xf0\x0a\x18\x08\x15\0\1m\x16\0\1d"));
    assert_text(packet.u.farewell.auth_method, "m");
    assert_text(packet.u.farewell.auth_data, "d");
    given(MQTT_5, BYTES("\xf0\0"));
    assert_int_equal(packet.u.farewell.reason, PACKET_SUCCESS);
}

/* ---- any packet ---- */

/* 2.1.4: the length may come late */
static void every_beginning_of_a_packet_is_incomplete(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        for (size_t len = 0; len < samples[i].bytes.len; len++) {
            uint8_t *copy = sample_copy(samples[i].bytes, len);
            assert_int_equal(packet_decode(copy, len, samples[i].protocol, MQTT_PACKET_MAX, &packet, &fault),
                             0);
            free(copy);
        }
        given(samples[i].protocol, samples[i].bytes);
    }
}

static void the_packet_behind_is_left_alone(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        size_t len = samples[i].bytes.len;
        uint8_t *copy = sample_copy(samples[i].bytes, len + 1);
        copy[len] = 0xff;
        assert_int_equal(packet_decode(copy, len + 1, samples[i].protocol, len, &packet, &fault), 1);
        assert_int_equal(packet.len, len);
        free(copy);
    }
}

/* 3.1.1 does not ask for the shortest form */
static void a_padded_length_is_fine_in_3_1_1(void **unused)
{
    (void)unused;
    given(MQTT_3_1_1, BYTES("\xd0\x80\x00"));
}

static void decode_all_of_three_bytes(enum mqtt_protocol protocol)
{
    uint8_t *bytes = malloc(3);
    for (uint32_t value = 0; value < 1u << 24; value++) {
        bytes[0] = (uint8_t)(value >> 16);
        bytes[1] = (uint8_t)(value >> 8);
        bytes[2] = (uint8_t)value;
        int r = packet_decode(bytes, 3, protocol, MQTT_PACKET_MAX, &packet, &fault);
        if (r != 0 && r != -EBADMSG && !(r == 1 && packet.len <= 3))
            fail_msg("%06x: %d", value, r);
    }
    free(bytes);
}

static void no_short_input_is_beyond_the_decoder(void **unused)
{
    (void)unused;
    decode_all_of_three_bytes(MQTT_5);
    decode_all_of_three_bytes(MQTT_3_1_1);
}

static void decode_with_every_value_at(const struct sample *sample, size_t at)
{
    uint8_t *copy = sample_copy(sample->bytes, sample->bytes.len);
    for (unsigned value = 0; value < 256; value++) {
        copy[at] = (uint8_t)value;
        int r = packet_decode(copy, sample->bytes.len, sample->protocol, MQTT_PACKET_MAX, &packet, &fault);
        assert_true(r == 0 || r == 1 || (r == -EBADMSG && fault.text && fault.reason >= 0x80));
    }
    free(copy);
}

static void no_changed_byte_is_beyond_the_decoder(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        for (size_t at = 0; at < samples[i].bytes.len; at++)
            decode_with_every_value_at(&samples[i], at);
    }
}

static void reasons_and_types_have_names(void **unused)
{
    (void)unused;
    assert_string_equal(packet_reason_name(0x87), "Not authorized");
    assert_string_equal(packet_reason_name(0x03), "Unknown reason");
    assert_string_equal(packet_reason_name(0xff), "Unknown reason");
    assert_string_equal(packet_type_name(PACKET_AUTH), "AUTH");
    assert_string_equal(packet_type_name(PACKET_UNSUBACK), "UNSUBACK");
    assert_string_equal(packet_type_name((enum packet_type)16), "reserved packet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_publish_has_topic_and_payload),
        cmocka_unit_test(a_publish_of_3_1_1_has_no_property_length),
        cmocka_unit_test(publish_flags_are_told_apart),
        cmocka_unit_test(every_property_of_a_publish_arrives),
        cmocka_unit_test(user_properties_are_handed_out_up_to_the_room_there_is),
        cmocka_unit_test(subscription_identifiers_beyond_the_maximum_are_dropped),
        cmocka_unit_test(an_empty_topic_is_fine_with_an_alias),
        cmocka_unit_test(a_response_topic_that_is_none_is_left_out),
        cmocka_unit_test(an_unknown_payload_format_is_not_utf8),
        cmocka_unit_test(a_byte_order_mark_is_kept),
        cmocka_unit_test(an_ack_of_two_bytes_means_success),
        cmocka_unit_test(an_ack_of_three_bytes_has_a_reason),
        cmocka_unit_test(a_longer_ack_has_properties),
        cmocka_unit_test(a_suback_has_a_code_for_each_filter),
        cmocka_unit_test(an_unsuback_of_3_1_1_has_no_codes),
        cmocka_unit_test(a_bare_connack_has_the_defaults_of_the_standard),
        cmocka_unit_test(every_limit_of_a_connack_arrives),
        cmocka_unit_test(every_string_of_a_connack_arrives),
        cmocka_unit_test(return_codes_of_3_1_1_become_reason_codes),
        cmocka_unit_test(a_server_without_mqtt_5_is_understood),
        cmocka_unit_test(a_disconnect_may_leave_out_all_it_has),
        cmocka_unit_test(an_auth_has_its_method_and_data),
        cmocka_unit_test(every_beginning_of_a_packet_is_incomplete),
        cmocka_unit_test(the_packet_behind_is_left_alone),
        cmocka_unit_test(a_padded_length_is_fine_in_3_1_1),
        cmocka_unit_test(no_short_input_is_beyond_the_decoder),
        cmocka_unit_test(no_changed_byte_is_beyond_the_decoder),
        cmocka_unit_test(reasons_and_types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* packet_refuse_test.c: what packet_decode refuses, clause by clause, and what it says to answer. */
#include "packet_samples.h"

#include <errno.h>

struct refusal {
    const char *clause;
    enum mqtt_protocol protocol;
    struct slice bytes;
    uint8_t reason;
};

#define MALFORMED(clause, bytes)                                                                             \
    {                                                                                                        \
        clause, MQTT_5, BYTES_INIT(bytes), PACKET_MALFORMED                                                  \
    }
#define PROTOCOL_ERROR(clause, bytes)                                                                        \
    {                                                                                                        \
        clause, MQTT_5, BYTES_INIT(bytes), PACKET_PROTOCOL_ERROR                                             \
    }
#define OLD_MALFORMED(clause, bytes)                                                                         \
    {                                                                                                        \
        clause, MQTT_3_1_1, BYTES_INIT(bytes), PACKET_MALFORMED                                              \
    }
#define OLD_PROTOCOL_ERROR(clause, bytes)                                                                    \
    {                                                                                                        \
        clause, MQTT_3_1_1, BYTES_INIT(bytes), PACKET_PROTOCOL_ERROR                                         \
    }

static void refuse_all(const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct packet packet;
        struct packet_fault fault = {0};
        uint8_t *copy = sample_copy(rows[i].bytes, rows[i].bytes.len);
        int r = packet_decode(copy, rows[i].bytes.len, rows[i].protocol, MQTT_PACKET_MAX, &packet, &fault);
        if (r != -EBADMSG || fault.reason != rows[i].reason || !fault.text)
            fail_msg("row %zu, %s: %d, 0x%02x, %s", i, rows[i].clause, r, fault.reason,
                     fault.text ? fault.text : "no words");
        assert_int_equal(fault.type, (uint8_t)rows[i].bytes.data[0] >> 4);
        free(copy);
    }
}

#define REFUSE(rows) refuse_all(rows, sizeof(rows) / sizeof *(rows))

static void a_bad_first_byte_is_refused_at_once(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("2.1.2", "\x00"),
        PROTOCOL_ERROR("2.1.2", "\x10"),
        PROTOCOL_ERROR("2.1.2", "\x82"),
        PROTOCOL_ERROR("2.1.2", "\xa2"),
        PROTOCOL_ERROR("2.1.2", "\xc0"),
        MALFORMED("2.1.3-1", "\x21"),
        MALFORMED("2.1.3-1", "\x42"),
        MALFORMED("2.1.3-1", "\x58"),
        MALFORMED("3.6.1-1", "\x60"),
        MALFORMED("3.6.1-1", "\x63"),
        MALFORMED("2.1.3-1", "\x71"),
        MALFORMED("2.1.3-1", "\x92"),
        MALFORMED("2.1.3-1", "\xb2"),
        MALFORMED("2.1.3-1", "\xd1"),
        MALFORMED("2.1.3-1", "\xe1"),
        MALFORMED("2.1.3-1", "\xf8"),
        MALFORMED("3.3.1-4", "\x36"),
        MALFORMED("3.3.1-4", "\x3f"),
        MALFORMED("3.3.1-2", "\x38"),
        MALFORMED("3.3.1-2", "\x39"),
        OLD_MALFORMED("3.1.1: 2.2.1", "\xf0"),
        OLD_PROTOCOL_ERROR("3.1.1: 3.14", "\xe0"),
        OLD_MALFORMED("3.1.1: 3.6.1-1", "\x60"),
    };
    REFUSE(rows);
}

static void a_bad_length_is_refused_before_the_body_has_come(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("1.5.5-1", "\x30\x80\x00"),
        MALFORMED("1.5.5-1", "\x30\xff\x80\x00"),
        MALFORMED("1.5.5", "\x30\xff\xff\xff\xff"),
        MALFORMED("1.5.5", "\x30\x80\x80\x80\x80\x01"),
        OLD_MALFORMED("3.1.1: 2.2.3", "\x30\xff\xff\xff\xff"),
    };
    REFUSE(rows);
}

/* MQTT-3.1.2-24 */
static void a_packet_over_our_maximum_is_refused_before_the_body_has_come(void **unused)
{
    (void)unused;
    struct packet packet;
    struct packet_fault fault;
    const uint8_t header[] = {0x30, 0xe3, 0x07}; /* 3 + 995 bytes */
    assert_int_equal(packet_decode(header, 3, MQTT_5, 998, &packet, &fault), 0);
    assert_int_equal(packet_decode(header, 3, MQTT_5, 997, &packet, &fault), -EBADMSG);
    assert_int_equal(fault.reason, PACKET_TOO_LARGE);
    assert_int_equal(packet_decode(header, 3, MQTT_3_1_1, 997, &packet, &fault), -EBADMSG);
}

static void a_bad_publish_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("3.3.2", "\x30\x00"),
        MALFORMED("3.3.2", "\x30\x03\0\3a"),
        MALFORMED("3.3.2", "\x30\x03\0\1a"),   /* no property length */
        MALFORMED("3.3.2", "\x32\x04\0\1a\0"), /* half a packet id */
        PROTOCOL_ERROR("2.2.1-4", "\x32\x06\0\1a\0\0\0"),
        PROTOCOL_ERROR("3.3.2.1", "\x30\x03\0\0\0"),
        OLD_PROTOCOL_ERROR("3.1.1: 4.7.3-1", "\x30\x02\0\0"),
        MALFORMED("3.3.2-2", "\x30\x06\0\3a/+\0"),
        MALFORMED("3.3.2-2", "\x30\x04\0\1#\0"),
        OLD_MALFORMED("3.1.1: 3.3.2-2", "\x30\x05\0\3a/#"),
    };
    REFUSE(rows);
}

static void a_string_that_is_not_utf8_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("1.5.4-1", "\x30\x06\0\3\xed\xa0\x80\0"), /* a surrogate */
        MALFORMED("1.5.4-1", "\x30\x05\0\2\xc0\x80\0"),     /* overlong */
        MALFORMED("1.5.4-1", "\x30\x04\0\1\xff\0"),
        MALFORMED("1.5.4-2", "\x30\x05\0\2a\0\0"),
        MALFORMED("1.5.4-1", "\x30\x08\0\1a\4\x03\0\1\xff"),
        MALFORMED("1.5.4-2", "\x30\x08\0\1a\4\x08\0\1\0"),
        MALFORMED("1.5.7-1", "\x30\x0a\0\1a\6\x26\0\1\xff\0\0"),
        MALFORMED("1.5.7-1", "\x30\x0a\0\1a\6\x26\0\0\0\1\xff"),
        MALFORMED("1.5.4-1", "\x40\x08\0\1\0\4\x1f\0\1\xc3"),
    };
    REFUSE(rows);
}

static void unknown_and_misplaced_properties_are_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("2.2.2.2", "\x30\x06\0\1a\2\x7f\0"),
        MALFORMED("2.2.2.2", "\x30\x06\0\1a\2\x00\0"),
        MALFORMED("2.2.2.2", "\x30\x06\0\1a\2\x04\0"),
        MALFORMED("2.2.2.2", "\x30\x07\0\1a\3\xff\x01\0"),      /* an id of two bytes */
        MALFORMED("1.5.5-1", "\x30\x07\0\1a\3\x81\x00\0"),      /* 1 in two bytes */
        MALFORMED("2.2.2.2", "\x30\x07\0\1a\3\x1f\0\0"),        /* reason string in PUBLISH */
        MALFORMED("2.2.2.2", "\x30\x07\0\1a\3\x21\0\1"),        /* receive maximum in PUBLISH */
        MALFORMED("2.2.2.2", "\x20\x05\0\0\2\x01\0"),           /* payload format in CONNACK */
        MALFORMED("2.2.2.2", "\x20\x05\0\0\2\x17\1"),           /* what only clients ask */
        MALFORMED("2.2.2.2", "\x40\x06\0\1\0\2\x01\0"),         /* payload format in PUBACK */
        MALFORMED("2.2.2.2", "\x40\x07\0\1\0\3\x1c\0\0"),       /* server reference in PUBACK */
        MALFORMED("2.2.2.2", "\x90\x06\0\1\2\x0b\1\0"),         /* subscription id in SUBACK */
        MALFORMED("2.2.2.2", "\xb0\x07\0\1\3\x13\0\1\0"),       /* keep alive in UNSUBACK */
        MALFORMED("2.2.2.2", "\xe0\x05\0\3\x15\0\0"),           /* method in DISCONNECT */
        MALFORMED("2.2.2.2", "\xf0\x05\0\3\x1c\0\0"),           /* server reference in AUTH */
        PROTOCOL_ERROR("3.14.2-2", "\xe0\x07\0\5\x11\0\0\0\1"), /* the server's session expiry */
    };
    REFUSE(rows);
}

static void a_property_given_twice_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        PROTOCOL_ERROR("3.3.2.3.2", "\x30\x08\0\1a\4\1\0\1\0"),
        PROTOCOL_ERROR("3.3.2.3.3", "\x30\x0e\0\1a\x0a\2\0\0\0\1\2\0\0\0\1"),
        PROTOCOL_ERROR("3.3.2.3.4", "\x30\x0a\0\1a\6\x23\0\1\x23\0\2"),
        PROTOCOL_ERROR("3.3.2.3.5", "\x30\x0c\0\1a\x08\x08\0\1r\x08\0\1r"),
        PROTOCOL_ERROR("3.3.2.3.6", "\x30\x0a\0\1a\6\x09\0\0\x09\0\0"),
        PROTOCOL_ERROR("3.3.2.3.9", "\x30\x0a\0\1a\6\x03\0\0\x03\0\0"),
        PROTOCOL_ERROR("3.2.2.3.3", "\x20\x09\0\0\6\x21\0\1\x21\0\1"),
        PROTOCOL_ERROR("3.4.2.2.2", "\x40\x0a\0\1\0\6\x1f\0\0\x1f\0\0"),
    };
    REFUSE(rows);
}

static void a_number_out_of_its_range_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        PROTOCOL_ERROR("3.3.2-8", "\x30\x07\0\1a\3\x23\0\0"),
        PROTOCOL_ERROR("3.3.2.3.8", "\x30\x06\0\1a\2\x0b\0"),
        MALFORMED("1.5.5-1", "\x30\x07\0\1a\3\x0b\x81\0"),
        MALFORMED("1.5.5", "\x30\x0a\0\1a\6\x0b\x80\x80\x80\x80\1"),
        PROTOCOL_ERROR("3.2.2.3.3", "\x20\x06\0\0\3\x21\0\0"),
        PROTOCOL_ERROR("3.2.2.3.4", "\x20\x05\0\0\2\x24\2"),
        PROTOCOL_ERROR("3.2.2.3.5", "\x20\x05\0\0\2\x25\2"),
        PROTOCOL_ERROR("3.2.2.3.6", "\x20\x08\0\0\5\x27\0\0\0\0"),
        PROTOCOL_ERROR("3.2.2.3.11", "\x20\x05\0\0\2\x28\2"),
        PROTOCOL_ERROR("3.2.2.3.12", "\x20\x05\0\0\2\x29\2"),
        PROTOCOL_ERROR("3.2.2.3.13", "\x20\x05\0\0\2\x2a\xff"),
    };
    REFUSE(rows);
}

static void a_property_block_that_does_not_fit_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("2.2.2.1", "\x30\x04\0\1a\1"),
        MALFORMED("2.2.2.1", "\x30\x05\0\1a\x80\1"), /* 128 of none */
        MALFORMED("1.5.5-1", "\x30\x05\0\1a\x80\0"),
        MALFORMED("2.2.2.1", "\x30\x05\0\1a\1\x01"),     /* an id without its value */
        MALFORMED("2.2.2.1", "\x30\x07\0\1a\3\2\0\0"),   /* half a number */
        MALFORMED("2.2.2.1", "\x30\x07\0\1a\2\x23\0\1"), /* a number across the block's end */
        MALFORMED("2.2.2.1", "\x30\x08\0\1a\3\x09\0\1x"),
        MALFORMED("2.2.2.1", "\x30\x08\0\1a\4\x26\0\1k"), /* a key without its value */
        MALFORMED("2.2.2.1", "\x30\x05\0\1a\1\x0b"),
    };
    REFUSE(rows);
}

static void a_bad_ack_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("3.4.2", "\x40\x00"),
        MALFORMED("3.4.2", "\x40\x01\0"),
        PROTOCOL_ERROR("2.2.1-5", "\x40\x02\0\0"),
        PROTOCOL_ERROR("3.4.2.1", "\x40\x03\0\1\x01"),
        PROTOCOL_ERROR("3.4.2.1", "\x40\x03\0\1\x92"),
        PROTOCOL_ERROR("3.5.2.1", "\x50\x03\0\1\xff"),
        PROTOCOL_ERROR("3.6.2.1", "\x62\x03\0\1\x10"),
        PROTOCOL_ERROR("3.7.2.1", "\x70\x03\0\1\x80"),
        MALFORMED("3.4.2.2", "\x40\x04\0\1\0\1"),
        MALFORMED("3.4.2.2", "\x40\x05\0\1\0\0x"),
        OLD_MALFORMED("3.1.1: 3.4.1", "\x40\x03\0\1\0"),
        OLD_PROTOCOL_ERROR("3.1.1: 2.3.1-1", "\x70\x02\0\0"),
        MALFORMED("3.13.1", "\xd0\x01\0"),
        OLD_MALFORMED("3.1.1: 3.13.1", "\xd0\x01\0"),
    };
    REFUSE(rows);
}

static void a_bad_suback_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        PROTOCOL_ERROR("3.8.4-6", "\x90\x03\0\1\0"),
        PROTOCOL_ERROR("3.11.3-1", "\xb0\x03\0\1\0"),
        PROTOCOL_ERROR("2.2.1-6", "\x90\x04\0\0\0\0"),
        PROTOCOL_ERROR("3.9.3-2", "\x90\x04\0\1\0\3"),
        PROTOCOL_ERROR("3.9.3-2", "\x90\x05\0\1\0\0\x92"),
        PROTOCOL_ERROR("3.11.3-2", "\xb0\x04\0\1\0\1"),
        MALFORMED("3.9.2", "\x90\x02\0\1"),
        OLD_PROTOCOL_ERROR("3.1.1: 3.9.3", "\x90\x02\0\1"),
        OLD_PROTOCOL_ERROR("3.1.1: 3.9.3-2", "\x90\x03\0\1\x87"),
        OLD_MALFORMED("3.1.1: 3.11.2", "\xb0\x03\0\1\0"),
    };
    REFUSE(rows);
}

static void a_bad_connack_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        MALFORMED("3.2.2", "\x20\x00"),
        MALFORMED("3.2.2", "\x20\x01\0"),
        MALFORMED("3.2.2", "\x20\x02\0\0"), /* no property length */
        MALFORMED("3.2.2-1", "\x20\x03\2\0\0"),
        MALFORMED("3.2.2-1", "\x20\x03\x81\0\0"),
        PROTOCOL_ERROR("3.2.2-6", "\x20\x03\1\x87\0"),
        PROTOCOL_ERROR("3.2.2.2", "\x20\x03\0\x01\0"),
        PROTOCOL_ERROR("3.2.2.2", "\x20\x03\0\x8b\0"),
        MALFORMED("3.2.2", "\x20\x04\0\0\0\0"),
        OLD_PROTOCOL_ERROR("3.1.1: 3.2.2.3", "\x20\x02\0\6"),
        OLD_PROTOCOL_ERROR("3.1.1: 3.2.2-4", "\x20\x02\1\5"),
        OLD_MALFORMED("3.1.1: 3.2.2.1", "\x20\x02\2\0"),
        OLD_MALFORMED("3.1.1: 3.2.1", "\x20\x03\0\0\0"),
    };
    REFUSE(rows);
}

static void a_bad_farewell_is_refused(void **unused)
{
    (void)unused;
    static const struct refusal rows[] = {
        PROTOCOL_ERROR("3.14.2.1", "\xe0\x01\x04"), /* only clients may */
        PROTOCOL_ERROR("3.14.2.1", "\xe0\x01\x8c"),
        MALFORMED("3.14.2.2", "\xe0\x02\0\1"),
        MALFORMED("3.14.2.2", "\xe0\x03\0\0\0"),
        PROTOCOL_ERROR("3.15.2.1", "\xf0\x01\x19"), /* only clients may */
        PROTOCOL_ERROR("3.15.2.1", "\xf0\x01\x87"),
        MALFORMED("3.15.2.2", "\xf0\x01\x18"),
        PROTOCOL_ERROR("3.15.2.2.2", "\xf0\x02\x18\0"),
    };
    REFUSE(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_first_byte_is_refused_at_once),
        cmocka_unit_test(a_bad_length_is_refused_before_the_body_has_come),
        cmocka_unit_test(a_packet_over_our_maximum_is_refused_before_the_body_has_come),
        cmocka_unit_test(a_bad_publish_is_refused),
        cmocka_unit_test(a_string_that_is_not_utf8_is_refused),
        cmocka_unit_test(unknown_and_misplaced_properties_are_refused),
        cmocka_unit_test(a_property_given_twice_is_refused),
        cmocka_unit_test(a_number_out_of_its_range_is_refused),
        cmocka_unit_test(a_property_block_that_does_not_fit_is_refused),
        cmocka_unit_test(a_bad_ack_is_refused),
        cmocka_unit_test(a_bad_suback_is_refused),
        cmocka_unit_test(a_bad_connack_is_refused),
        cmocka_unit_test(a_bad_farewell_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

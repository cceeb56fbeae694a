/* WebSocket frames: what goes, what comes, and what is refused. */
#include "mqtt/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t mask[WS_MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};

static struct ws_reader reader;
static uint8_t bytes[256 * 1024];
static size_t plain; /* that the last strip left at the front of bytes */

static int begin(void **unused)
{
    (void)unused;
    reader = (struct ws_reader){0};
    return 0;
}

static void when_it_comes(const void *data, size_t len)
{
    memcpy(bytes, data, len);
    plain = ws_frame_strip(&reader, bytes, len);
}
#define WHEN(...) when_it_comes((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void then_plain_is(const char *text)
{
    assert_int_equal(plain, strlen(text));
    assert_memory_equal(bytes, text, plain);
}

/* ---- out ---- */

/* RFC 6455 section 5.7: a single-frame masked text message, but for its opcode. */
static void the_example_of_the_rfc_is_written(void **unused)
{
    (void)unused;
    static const uint8_t expected[] = {0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
    struct buffer out = {0};
    ws_frame_write(&out, WS_BINARY, "Hello", 5, mask);
    assert_int_equal(buffer_length(&out), sizeof expected);
    assert_memory_equal(buffer_data(&out), expected, sizeof expected);
    buffer_finish(&out);
}

static void then_it_is_written_with(size_t len, size_t header)
{
    static uint8_t payload[WS_PAYLOAD_MAX];
    struct buffer out = {0};
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(i * 7);
    ws_frame_write(&out, WS_BINARY, payload, len, mask);
    const uint8_t *frame = buffer_data(&out);
    assert_int_equal(buffer_length(&out), header + len);
    assert_int_equal(frame[1], 0x80 | (header == 6 ? len : 126));
    if (header == 8)
        assert_int_equal(frame[2] << 8 | frame[3], len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(frame[header + i] ^ mask[i % 4], payload[i]);
    buffer_finish(&out);
}

static void lengths_are_written_in_their_shortest_form_and_every_byte_is_masked(void **unused)
{
    (void)unused;
    for (size_t len = 0; len < 40; len++)
        then_it_is_written_with(len, 6);
    then_it_is_written_with(125, 6);
    then_it_is_written_with(126, 8);
    then_it_is_written_with(WS_PAYLOAD_MAX, 8);
}

static void a_close_frame_has_a_code_or_is_empty(void **unused)
{
    (void)unused;
    static const uint8_t with[] = {0x88, 0x82, 0x37, 0xfa, 0x21, 0x3d, 0x03 ^ 0x37, 0xe8 ^ 0xfa};
    static const uint8_t without[] = {0x88, 0x80, 0x37, 0xfa, 0x21, 0x3d};
    struct buffer out = {0};
    ws_frame_write_close(&out, WS_CODE_NORMAL, mask);
    assert_int_equal(buffer_length(&out), sizeof with);
    assert_memory_equal(buffer_data(&out), with, sizeof with);
    buffer_clear(&out);
    ws_frame_write_close(&out, WS_CODE_NONE, mask);
    assert_int_equal(buffer_length(&out), sizeof without);
    assert_memory_equal(buffer_data(&out), without, sizeof without);
    buffer_finish(&out);
}

/* ---- in ---- */

/* MQTT-6.0.0-2 */
static void packets_share_frames_and_span_them(void **unused)
{
    (void)unused;
    WHEN(0x82, 3, 'a', 'b', 'c', 0x82, 0, 0x82, 1, 'd');
    then_plain_is("abcd");
    WHEN(0x02, 2, 'a', 'b', 0x00, 1, 'c', 0x80, 1, 'd', 0x82, 1, 'e');
    then_plain_is("abcde");
    assert_null(reader.fault);
}

static void frames_come_in_any_pieces(void **unused)
{
    (void)unused;
    static uint8_t all[142] = {0x82, 126, 0, 130}, tail[] = {0x89, 2, 'p', 'q', 0x82, 2, 'y', 'z'};
    memset(all + 4, 'x', 130);
    memcpy(all + 134, tail, sizeof tail);
    for (size_t got = 0; got < sizeof all; got++) {
        when_it_comes(all + got, 1);
        bool is_payload = (got >= 4 && got < 134) || got >= 140;
        assert_int_equal(plain, is_payload);
        if (is_payload)
            assert_int_equal(bytes[0], all[got]);
    }
    assert_true(reader.pong_due);
    assert_memory_equal(reader.pong, "pq", 2);
}

static void a_frame_of_64_bits_is_streamed(void **unused)
{
    (void)unused;
    WHEN(0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a', 'b');
    then_plain_is("ab");
    assert_null(reader.fault);
    assert_true(reader.left == INT64_MAX - 2ull);
}

/* RFC 6455 section 5.5.3 */
static void the_newest_ping_is_the_one_to_answer(void **unused)
{
    (void)unused;
    WHEN(0x02, 1, 'a', 0x89, 1, '1', 0x89, 2, '2', '2', 0x8a, 1, 'x', 0x80, 1, 'b');
    then_plain_is("ab");
    assert_true(reader.pong_due);
    assert_int_equal(reader.pong_len, 2);
    assert_memory_equal(reader.pong, "22", 2);
}

static void a_close_frame_ends_the_stream(void **unused)
{
    (void)unused;
    WHEN(0x82, 1, 'a', 0x88, 6, 0x03, 0xe9, 'g', 'o', 'n', 'e', 0x82, 1, 'b');
    then_plain_is("a");
    assert_true(reader.closed);
    assert_int_equal(reader.close_code, 1001);
    assert_true(slice_equal(reader.close_reason, slice_of("gone")));
    WHEN(0x82, 1, 'c');
    then_plain_is("");
}

static void a_close_frame_may_be_empty(void **unused)
{
    (void)unused;
    WHEN(0x88, 0);
    assert_true(reader.closed);
    assert_int_equal(reader.close_code, WS_CODE_NONE);
    assert_int_equal(reader.close_reason.len, 0);
}

static const struct refusal {
    const char *word; /* of the fault */
    unsigned code;
    size_t len;
    uint8_t data[16];
} refusals[] = {
    {"text", WS_CODE_UNACCEPTABLE, 4, {0x81, 2, '{', '}'}}, /* MQTT-6.0.0-1 */
    {"text", WS_CODE_UNACCEPTABLE, 4, {0x01, 2, '{', '}'}},
    {"masked", WS_CODE_PROTOCOL, 7, {0x82, 0x81, 1, 2, 3, 4, 'a'}},
    {"reserved", WS_CODE_PROTOCOL, 3, {0xc2, 1, 'a'}},
    {"reserved", WS_CODE_PROTOCOL, 3, {0xa2, 1, 'a'}},
    {"reserved", WS_CODE_PROTOCOL, 3, {0x92, 1, 'a'}},
    {"kind", WS_CODE_PROTOCOL, 3, {0x83, 1, 'a'}},
    {"kind", WS_CODE_PROTOCOL, 3, {0x87, 1, 'a'}},
    {"kind", WS_CODE_PROTOCOL, 3, {0x8b, 1, 'a'}},
    {"kind", WS_CODE_PROTOCOL, 3, {0x8f, 1, 'a'}},
    {"continuation of no", WS_CODE_PROTOCOL, 3, {0x80, 1, 'a'}},
    {"within a message", WS_CODE_PROTOCOL, 6, {0x02, 1, 'a', 0x82, 1, 'b'}},
    {"control frame in pieces", WS_CODE_PROTOCOL, 3, {0x09, 1, 'a'}},
    {"control frame in pieces, or beyond", WS_CODE_PROTOCOL, 4, {0x89, 126, 0, 126}},
    {"length", WS_CODE_PROTOCOL, 4, {0x82, 126, 0, 125}},
    {"length", WS_CODE_PROTOCOL, 10, {0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}},
    {"length", WS_CODE_PROTOCOL, 10, {0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}},
    {"code", WS_CODE_PROTOCOL, 3, {0x88, 1, 3}},
    {"code", WS_CODE_PROTOCOL, 4, {0x88, 2, 0x03, 0xe7}}, /* 999 */
    {"code", WS_CODE_PROTOCOL, 4, {0x88, 2, 0x03, 0xee}}, /* 1006 */
    {"code", WS_CODE_PROTOCOL, 4, {0x88, 2, 0x13, 0x88}}, /* 5000 */
    {"UTF-8", WS_CODE_NOT_UTF8, 5, {0x88, 3, 0x03, 0xe8, 0xff}},
};

static void what_a_server_must_not_send_is_refused_by_name(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        reader = (struct ws_reader){0};
        when_it_comes(r->data, r->len);
        if (!reader.fault || !strstr(reader.fault, r->word))
            fail_msg("%zu: '%s' is not in '%s'", i, r->word, reader.fault ? reader.fault : "");
        assert_int_equal(reader.fault_code, r->code);
        assert_false(reader.closed);
        WHEN(0x82, 1, 'x');
        then_plain_is("");
    }
}

static void what_came_before_a_fault_counts(void **unused)
{
    (void)unused;
    WHEN(0x82, 2, 'a', 'b', 0x81, 1, 'c', 0x82, 1, 'd');
    then_plain_is("ab");
    assert_non_null(reader.fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_example_of_the_rfc_is_written, begin),
        cmocka_unit_test_setup(lengths_are_written_in_their_shortest_form_and_every_byte_is_masked, begin),
        cmocka_unit_test_setup(a_close_frame_has_a_code_or_is_empty, begin),
        cmocka_unit_test_setup(packets_share_frames_and_span_them, begin),
        cmocka_unit_test_setup(frames_come_in_any_pieces, begin),
        cmocka_unit_test_setup(a_frame_of_64_bits_is_streamed, begin),
        cmocka_unit_test_setup(the_newest_ping_is_the_one_to_answer, begin),
        cmocka_unit_test_setup(a_close_frame_ends_the_stream, begin),
        cmocka_unit_test_setup(a_close_frame_may_be_empty, begin),
        cmocka_unit_test_setup(what_a_server_must_not_send_is_refused_by_name, begin),
        cmocka_unit_test_setup(what_came_before_a_fault_counts, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

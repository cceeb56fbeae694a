/* Long payloads stay where they were read, and leave from where they lie. */
#include "session_scene.h"

#include <string.h>

enum { LONG_BYTES = 20000, LINE_BYTES = 30000 };

/* ---- in ---- */

/* PUBLISH of a long payload on `t`, at QoS 1 or 2, behind the bytes of `bytes`. */
static void append_long(struct buffer *bytes, unsigned qos, uint16_t id)
{
    struct buffer payload = {0};
    memset(buffer_reserve(&payload, LONG_BYTES), 'a' + id, LONG_BYTES);
    buffer_commit(&payload, LONG_BYTES);
    struct mqtt_publish publish = {.topic = slice_of("t"),
                                   .payload = slice_make(buffer_data(&payload), LONG_BYTES),
                                   .qos = (uint8_t)qos};
    packet_write_publish(bytes, MQTT_5, &publish, id, false);
    buffer_finish(&payload);
}

static void assert_long(const struct mqtt_message *message, uint16_t id)
{
    assert_int_equal(message->payload.len, LONG_BYTES);
    for (size_t i = 0; i < LONG_BYTES; i++)
        assert_int_equal(message->payload.data[i], 'a' + id);
    assert_int_equal(message->topic.len, 1);
    assert_int_equal(message->topic.data[0], 't');
}

static void a_long_message_keeps_the_memory_that_it_was_read_into(void **state)
{
    struct scene *scene = *state;
    struct buffer bytes = {0};
    scene_online(scene);
    append_long(&bytes, 1, 1);
    assert_int_equal(mqtt_session_take_input(scene->session, &bytes, scene->now_ns), 0);
    assert_null(bytes.memory);
    append_long(&bytes, 2, 2);
    assert_int_equal(mqtt_session_take_input(scene->session, &bytes, scene->now_ns), 0);
    assert_null(bytes.memory);
    assert_long(scene->messages[0], 1);
    assert_long(scene->messages[1], 2);
    user_releases(scene, 0);
    user_releases(scene, 1); /* at QoS 2 its id stays, without the memory: the leak checker watches */
    then_sent(scene, "PUBACK 1; PUBREC 2");
}

/* Its memory is needed for others, or too much of it would lie idle. */
static void a_long_message_that_has_company_is_copied(void **state)
{
    struct scene *scene = *state;
    struct buffer bytes = {0};
    scene_online(scene);
    append_long(&bytes, 1, 1);
    buffer_append(&bytes, "\x32", 1); /* the next one has begun */
    assert_int_equal(mqtt_session_take_input(scene->session, &bytes, scene->now_ns), 0);
    assert_int_equal(buffer_length(&bytes), 1);
    buffer_clear(&bytes);
    for (uint16_t id = 2; id <= 4; id++)
        append_long(&bytes, 1, id);
    assert_int_equal(mqtt_session_take_input(scene->session, &bytes, scene->now_ns), 0);
    assert_int_equal(buffer_length(&bytes), 0);
    assert_non_null(bytes.memory);
    memset(bytes.memory, 0, bytes.capacity);
    for (uint16_t id = 1; id <= 4; id++)
        assert_long(scene->messages[id - 1], id);
    buffer_finish(&bytes);
}

static void a_long_message_that_comes_again_is_recognised_where_it_was_read(void **state)
{
    struct scene *scene = *state;
    struct buffer bytes = {0};
    scene_online(scene);
    append_long(&bytes, 1, 1);
    assert_int_equal(mqtt_session_take_input(scene->session, &bytes, scene->now_ns), 0);
    scene->events[0] = '\0';
    scene_reconnect(scene, true);
    append_long(&bytes, 1, 1);
    assert_int_equal(mqtt_session_take_input(scene->session, &bytes, scene->now_ns), 0);
    assert_int_equal(buffer_length(&bytes), 0);
    assert_int_equal(scene->message_count, 1);
    assert_int_equal(counts_of(scene).recognised, 1);
    buffer_finish(&bytes);
}

/* ---- out ---- */

/* What left by events.send: as much as it takes of the output, and of what lies behind it. */
static struct line {
    char bytes[LINE_BYTES];
    size_t len, takes, asked;
} line;

static size_t put_on_line(const void *from, size_t len)
{
    size_t taken = len < line.takes ? len : line.takes;
    memcpy(line.bytes + line.len, from, taken);
    line.len += taken;
    line.takes -= taken;
    return taken;
}

static size_t send_in_place(void *user, struct buffer *out, struct slice bytes)
{
    (void)user;
    line.asked++;
    buffer_consume(out, put_on_line(buffer_data(out), buffer_length(out)));
    return buffer_length(out) > 0 ? 0 : put_on_line(bytes.data, bytes.len);
}

static void ignore_online(void *user, bool resumed)
{
    (void)user;
    (void)resumed;
}

/* What was sent in place and what is left, together, for a line that takes so many bytes. */
static void publish_by_line(struct scene *scene, const struct mqtt_publish *publish, size_t takes)
{
    struct mqtt_session_events events = {.online = ignore_online, .send = send_in_place};
    size_t used;
    struct mqtt_session *s = mqtt_session_create(&scene->options, &events, NULL);
    line = (struct line){0};
    mqtt_session_opened(s, 1);
    assert_int_equal(mqtt_session_input(s, (const uint8_t *)"\x20\x03\x00\x00\x00", 5, 1, &used), 0);
    buffer_clear(mqtt_session_output(s));
    line.takes = takes;
    assert_int_equal(mqtt_session_publish(s, publish, NULL), 0);
    struct buffer *left = mqtt_session_output(s);
    line.takes = sizeof line.bytes - line.len;
    buffer_consume(left, put_on_line(buffer_data(left), buffer_length(left)));
    mqtt_session_destroy(s);
}

static void a_long_payload_leaves_from_where_it_lies_as_far_as_it_can(void **state)
{
    static const size_t takes[] = {0, 1, 10, 11, 12, 5000, 5000 + LONG_BYTES};
    static char payload[LONG_BYTES];
    struct mqtt_publish publish = {.topic = slice_of("t"), .payload = {payload, sizeof payload}, .qos = 1};
    struct buffer expected = {0};
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (char)(i * 7);
    packet_write_publish(&expected, MQTT_5, &publish, 1, false);
    for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
        publish_by_line(*state, &publish, takes[i]);
        assert_int_equal(line.asked, 1);
        assert_int_equal(line.len, buffer_length(&expected));
        assert_memory_equal(line.bytes, buffer_data(&expected), line.len);
    }
    buffer_finish(&expected);
}

static void a_short_payload_waits_for_the_end_of_the_turn(void **state)
{
    struct mqtt_publish publish = {.topic = slice_of("t"), .payload = slice_of("a"), .qos = 1};
    publish_by_line(*state, &publish, LINE_BYTES);
    assert_int_equal(line.asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_long_message_keeps_the_memory_that_it_was_read_into),
        SCENE_TEST(a_long_message_that_has_company_is_copied),
        SCENE_TEST(a_long_message_that_comes_again_is_recognised_where_it_was_read),
        SCENE_TEST(a_long_payload_leaves_from_where_it_lies_as_far_as_it_can),
        SCENE_TEST(a_short_payload_waits_for_the_end_of_the_turn),
    };
    return cmocka_run_group_tests_name("session_long", tests, NULL, NULL);
}

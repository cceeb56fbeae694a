/* Acknowledgements of a conversation wait for the next message, but not for long. */
#include "client_scene.h"

#include "mqtt/client_internal.h"

static unsigned writes;

int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bytes[], unsigned count);
int __real_uv_try_write(uv_stream_t *stream, const uv_buf_t bytes[], unsigned count);

/* The client writes in no other way as long as the kernel takes all. */
int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bytes[], unsigned count)
{
    writes++;
    return __real_uv_try_write(stream, bytes, count);
}

static uint16_t last_id; /* of the broker's messages */

static bool has_publishes(const struct scene *s)
{
    return count_packets(s, 0x32) >= s->wanted;
}

static bool has_acks(const struct scene *s)
{
    return count_packets(s, 0x40) >= s->wanted;
}

static void wait_for_all(struct scene *s, bool (*condition)(const struct scene *), unsigned count)
{
    s->wanted = count;
    wait_for(s, condition);
}

/* The broker's acknowledgement of the last answer, if there is one, and the next message, in one piece. */
static void say_ack_and_message(struct scene *s, bool with_ack, bool with_message)
{
    struct buffer bytes = {0};
    const uint8_t *head = last_packet(s)->head;
    if (with_ack)
        buffer_append(&bytes, (const uint8_t[]){0x40, 2, head[5], head[6]}, 4);
    if (with_message)
        put_publish(&bytes, ++last_id, 3);
    say(s, buffer_data(&bytes), buffer_length(&bytes));
    buffer_finish(&bytes);
}

static void answer(struct scene *s)
{
    publish_answer(s);
    wait_for_all(s, has_publishes, last_id);
}

static void converse(struct scene *s)
{
    say_ack_and_message(s, last_id > 0, true);
    wait_for_all(s, has_messages, last_id);
    answer(s);
}

static bool is_patient(const struct scene *s)
{
    return s->client->link && s->client->link->patience.is_on;
}

/* A machine that is busy makes silences, which end patience and put off the next; that is not tested here. */
static void until_patient(struct scene *s)
{
    while (!is_patient(s)) {
        assert_true(last_id < PACKETS_MAX / 4);
        s->client->link->patience.retry_ns = 0;
        converse(s);
    }
}

static void given_a_conversation(struct scene *s)
{
    last_id = 0;
    given_an_online_client(s);
    s->releases_when_published = true;
    until_patient(s);
}

static void hear_ack_and_message(struct scene *s)
{
    writes = 0;
    say_ack_and_message(s, true, true);
    wait_for_all(s, has_messages, last_id);
}

static void an_acknowledgement_leaves_with_the_next_answer(void **state)
{
    struct scene *s = *state;
    given_a_conversation(s);
    hear_ack_and_message(s);
    while (!is_patient(s)) {
        answer(s);
        until_patient(s);
        hear_ack_and_message(s);
    }
    assert_int_equal(s->published, last_id - 1);
    assert_int_equal(writes, 0);
    answer(s);
    assert_int_equal(writes, 1);
    assert_int_equal(count_packets(s, 0x40), last_id - 1);
}

/* Only the end of patience would let out what waits. */
static void what_is_published_at_once_does_not_wait(void **state)
{
    struct scene *s = *state;
    given_a_conversation(s);
    do {
        until_patient(s);
        s->answers = true;
        hear_ack_and_message(s);
        wait_for_all(s, has_publishes, last_id);
        s->answers = false;
    } while (!is_patient(s));
    assert_int_equal(writes, 1);
}

static void an_acknowledgement_leaves_soon_when_no_message_comes(void **state)
{
    struct scene *s = *state;
    given_a_conversation(s);
    say_ack_and_message(s, true, false);
    wait_for_all(s, has_acks, last_id);
    assert_int_equal(s->published, last_id);
    assert_false(is_patient(s));
}

static void so_it_does_when_the_answer_takes_long(void **state)
{
    struct scene *s = *state;
    given_a_conversation(s);
    say_ack_and_message(s, true, true);
    wait_for_all(s, has_acks, last_id - 1);
    assert_int_equal(s->messages, last_id);
    assert_false(is_patient(s));
}

static void the_beginning_of_a_message_is_not_left_lying(void **state)
{
    struct scene *s = *state;
    struct buffer bytes = {0};
    given_a_conversation(s);
    put_publish(&bytes, ++last_id, 3);
    size_t all = buffer_length(&bytes), most = all - PATIENCE_ACK_BYTES;
    say(s, buffer_data(&bytes), most);
    wait_for_all(s, has_acks, last_id - 2);
    say(s, (const uint8_t *)buffer_data(&bytes) + most, all - most);
    wait_for_all(s, has_messages, last_id);
    buffer_finish(&bytes);
}

static void the_end_of_the_connection_is_heard(void **state)
{
    struct scene *s = *state;
    given_a_conversation(s);
    say_ack_and_message(s, true, false);
    hang_up(s);
    wait_for(s, is_offline);
    wait_for(s, is_online);
    assert_false(is_patient(s));
}

static void who_is_patient_may_be_closed(void **state)
{
    struct scene *s = *state;
    given_a_conversation(s);
    close_and_wait(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        TEST(an_acknowledgement_leaves_with_the_next_answer),
        TEST(what_is_published_at_once_does_not_wait),
        TEST(an_acknowledgement_leaves_soon_when_no_message_comes),
        TEST(so_it_does_when_the_answer_takes_long),
        TEST(the_beginning_of_a_message_is_not_left_lying),
        TEST(the_end_of_the_connection_is_heard),
        TEST(who_is_patient_may_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

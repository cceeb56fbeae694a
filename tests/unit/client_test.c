/* The client on the wire: connecting, what a read may hold, what a turn writes, keep-alive. */
#include "client_scene.h"

#include "mqtt/client_internal.h"

static const struct mqtt_filter filter = {.filter = {"t", 1}, .qos = 1, .subscription_id = 0};

static void subscribe(struct scene *s)
{
    assert_int_equal(mqtt_client_subscribe(s->client, &filter, 1, NULL, 0), 0);
}

static bool is_subscribed(const struct scene *s)
{
    return s->subscribed > 0;
}

static void it_connects_subscribes_and_receives(void **state)
{
    struct scene *s = *state;
    struct buffer packet = {0};
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
    subscribe(s);
    assert_int_equal(s->told_count, 0); /* nothing is called from inside a call */

    wait_for(s, is_subscribed);
    assert_int_equal(s->told_count, 2);
    assert_int_equal(s->told[0].state, MQTT_CONNECTING);
    assert_int_equal(s->told[1].state, MQTT_ONLINE);
    assert_false(s->told[1].resumed);
    assert_int_equal(mqtt_client_state(s->client), MQTT_ONLINE);

    put_publish(&packet, 1, 3);
    say(s, buffer_data(&packet), buffer_length(&packet));
    s->wanted = 1;
    wait_for(s, has_messages);
    assert_int_equal(s->payload_len, 3);
    buffer_finish(&packet);
}

static bool has_acks(const struct scene *s)
{
    return count_packets(s, 0x40) >= s->wanted;
}

/* The broker shares the loop, so it would read several writes of one turn at once: the client's own are
 * counted, which the linker leads here (--wrap). The client writes in no other way as long as the kernel
 * takes all. */
static unsigned writes;
static int write_fault; /* what each write comes back with instead; 0: none */

int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bytes[], unsigned count);
int __real_uv_try_write(uv_stream_t *stream, const uv_buf_t bytes[], unsigned count);

int __wrap_uv_try_write(uv_stream_t *stream, const uv_buf_t bytes[], unsigned count)
{
    writes++;
    return write_fault ? write_fault : __real_uv_try_write(stream, bytes, count);
}

static void acks_of_one_turn_leave_in_one_write(void **state)
{
    struct scene *s = *state;
    struct buffer packets = {0};
    given_an_online_client(s);
    s->releases = true;
    for (uint16_t id = 1; id <= 500; id++)
        put_publish(&packets, id, 10);
    writes = 0;
    say(s, buffer_data(&packets), buffer_length(&packets));
    s->wanted = 500;
    wait_for(s, has_acks);
    assert_int_equal(writes, 1);
    assert_int_equal(last_packet(s)->head[3], 500 & 0xff);
    buffer_finish(&packets);
}

static void publishes_of_one_turn_leave_in_one_write(void **state)
{
    struct scene *s = *state;
    const struct mqtt_publish publish = {.topic = {"t", 1}, .payload = {"x", 1}};
    given_an_online_client(s);
    writes = 0;
    for (int i = 0; i < 100; i++)
        assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    assert_int_equal(writes, 0);
    s->wanted = 101;
    wait_for(s, has_packets);
    assert_int_equal(writes, 1);
}

static bool has_partial(const struct scene *s)
{
    return buffer_length(&s->client->partial) == s->wanted;
}

static void a_packet_may_be_cut_at_every_byte(void **state)
{
    struct scene *s = *state;
    struct buffer packet = {0};
    given_an_online_client(s);
    s->releases = true;
    size_t len = put_publish(&packet, 9, 150);
    for (size_t cut = 1; cut < len; cut++) {
        say(s, buffer_data(&packet), cut);
        s->wanted = (unsigned)cut;
        wait_for(s, has_partial);
        say(s, buffer_data(&packet) + cut, len - cut);
        s->wanted = (unsigned)cut;
        wait_for(s, has_messages);
        assert_int_equal(s->messages, cut);
        assert_int_equal(s->payload_len, 150);
        assert_in_range(s->client->partial.capacity, 0, 2048);
    }
    buffer_finish(&packet);
}

static uint32_t sum_of_payload(struct buffer *packet, size_t payload_len)
{
    const uint8_t *payload = buffer_data(packet) + buffer_length(packet) - payload_len;
    uint32_t sum = 0;
    for (size_t i = 0; i < payload_len; i++)
        sum = sum * 31 + payload[i];
    return sum;
}

static void a_large_packet_arrives_whole_and_leaves_no_memory(void **state)
{
    static const size_t sizes[] = {16 * 1024, 64 * 1024 - 9, 64 * 1024, 100 * 1000, 5 * 1024 * 1024};
    struct scene *s = *state;
    given_an_online_client(s);
    s->releases = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer packets = {0};
        put_publish(&packets, (uint16_t)(i + 1), sizes[i]);
        uint32_t sum = sum_of_payload(&packets, sizes[i]);
        say(s, buffer_data(&packets), buffer_length(&packets));
        s->wanted = (unsigned)i + 1;
        wait_for(s, has_messages);
        assert_int_equal(s->payload_len, sizes[i]);
        assert_int_equal(s->payload_sum, sum);
        assert_null(s->client->partial.memory);
        buffer_finish(&packets);
    }
}

static void many_sizes_in_a_row_arrive_whole(void **state)
{
    struct scene *s = *state;
    struct buffer packets = {0};
    given_an_online_client(s);
    s->releases = true;
    for (uint16_t id = 1; id <= 200; id++)
        put_publish(&packets, id, (size_t)id * id * 3);
    say(s, buffer_data(&packets), buffer_length(&packets));
    s->wanted = 200;
    wait_for(s, has_messages);
    assert_int_equal(s->payload_len, 200 * 200 * 3);
    wait_for(s, has_acks);
    assert_null(s->client->partial.memory);
    buffer_finish(&packets);
}

static bool has_more_than_a_read_holds(const struct scene *s)
{
    return buffer_length(&s->client->partial) > 65536;
}

static void an_announcement_alone_takes_no_memory(void **state)
{
    struct scene *s = *state;
    struct buffer packet = {0};
    given_an_online_client(s);
    put_publish(&packet, 1, 10 * 1024 * 1024);
    say(s, buffer_data(&packet), 70 * 1024);
    wait_for(s, has_more_than_a_read_holds);
    assert_true(s->client->partial.capacity <= 512 * 1024);
    buffer_finish(&packet);
}

static void a_lost_connection_takes_its_partial_packet_with_it(void **state)
{
    struct scene *s = *state;
    struct buffer packet = {0};
    given_an_online_client(s);
    size_t len = put_publish(&packet, 1, 100);
    say(s, buffer_data(&packet), len / 2);
    s->wanted = (unsigned)(len / 2);
    wait_for(s, has_partial);
    hang_up(s);
    wait_for(s, is_offline);
    assert_null(s->client->partial.memory);

    wait_for(s, is_online);
    say(s, buffer_data(&packet), len);
    s->wanted = 1;
    wait_for(s, has_messages);
    assert_int_equal(s->messages, 1);
    assert_int_equal(s->payload_len, 100);
    buffer_finish(&packet);
}

static bool has_what_was_published(const struct scene *s)
{
    return s->bytes_got >= 2u * 8 * 1024 * 1024;
}

/* More than the kernel takes: the rest is held still while more is queued behind it. */
static void output_that_the_kernel_does_not_take_arrives_whole(void **state)
{
    struct scene *s = *state;
    static char bulk[64 * 1024];
    const struct mqtt_publish publish = {.topic = {"t", 1}, .payload = {bulk, sizeof bulk}};
    given_an_online_client(s);
    uv_read_stop((uv_stream_t *)&current(s)->tcp);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 128; i++)
            assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
        uv_run(&s->loop, UV_RUN_NOWAIT);
    }
    assert_true(s->client->link->in_flight > 0);
    start_reading(s);
    wait_for(s, has_what_was_published);
    assert_int_equal(count_packets(s, 0x30), 256);
    assert_int_equal(buffer_length(&current(s)->in), 0);
}

static bool has_pings(const struct scene *s)
{
    return count_packets(s, 0xc0) >= s->wanted;
}

/* MQTT-3.1.2-21, 3.2.2-21 */
static void the_servers_keep_alive_overrides_ours(void **state)
{
    struct scene *s = *state;
    s->options.session.keep_alive_s = 600;
    s->connack = slice_make("\x20\x06\x00\x00\x03\x13\x00\x01", 8);
    given_an_online_client(s);
    s->wanted = 2;
    wait_for(s, has_pings);
    assert_int_equal(last_told(s)->state, MQTT_ONLINE);
}

static void a_broker_that_falls_silent_is_left(void **state)
{
    struct scene *s = *state;
    s->options.session.keep_alive_s = 1;
    s->ignores_pings = true;
    given_an_online_client(s);
    wait_for(s, is_offline);
    assert_int_equal(last_told(s)->cause, MQTT_CAUSE_NETWORK);
    assert_true(count_packets(s, 0xc0) >= 1);
    assert_true(last_told(s)->text[0] != '\0');
}

static void a_broker_that_never_answers_connect_is_left(void **state)
{
    struct scene *s = *state;
    s->options.session.connect_timeout_s = 1;
    s->connack = (struct slice){0};
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
    wait_for(s, is_offline);
    assert_int_equal(last_told(s)->cause, MQTT_CAUSE_NETWORK);
}

static void a_name_is_looked_up(void **state)
{
    struct scene *s = *state;
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "localhost"); /* also ::1 where it exists: refused, then the next */
    wait_for(s, is_online);
    assert_int_equal(s->told_count, 2);
}

static bool machine_has_ipv6(void)
{
    struct sockaddr_in6 name;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    uv_ip6_addr("::1", 0, &name);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0;
    if (fd >= 0)
        close(fd);
    return bound;
}

static void it_connects_over_ipv6(void **state)
{
    struct scene *s = *state;
    if (!machine_has_ipv6())
        skip();
    listen_on(s, "::1");
    given_a_client_of(s, "::1");
    wait_for(s, is_online);
}

/* MQTT-4.1.2: 0x84, Unsupported Protocol Version */
static void a_broker_without_mqtt_5_gets_3_1_1_at_once(void **state)
{
    struct scene *s = *state;
    s->connack = slice_make("\x20\x03\x00\x84\x00", 5);
    s->connack_of_3 = connack_3; /* from the start: the client comes back in the very next turn */
    s->options.backoff_min_ns = s->options.backoff_max_ns = 3600 * NS_PER_S;
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
    wait_for(s, is_online);
    const struct told *first = &s->told[0];
    while (first->state != MQTT_OFFLINE)
        first++; /* it was told, or it would not be online now */
    assert_int_equal(first->cause, MQTT_CAUSE_VERSION);
    assert_int_equal(first->retry_ns, 0);
    assert_int_equal(s->packets[0].head[8], 5);
    assert_int_equal(last_packet(s)->head[8], 4);
}

static void credentials_of_the_url_reach_the_broker(void **state)
{
    struct scene *s = *state;
    s->options.broker.has_username = s->options.broker.has_password = true;
    strcpy(s->options.broker.username, "anna");
    strcpy(s->options.broker.password, "s3cret");
    given_an_online_client(s);
    assert_non_null(memmem(s->packets[0].head, s->packets[0].len, "\0\4anna\0\6s3cret", 14));
}

static bool has_a_publish(const struct scene *s)
{
    return count_packets(s, 0x32) > 0;
}

/* A broker that closes with bytes of ours unread resets the connection: our next write fails while its answer
 * is still to be read. */
static void what_the_broker_said_before_a_write_failed_is_heard(void **state)
{
    struct scene *s = *state;
    const struct mqtt_publish publish = {.topic = {"t", 1}, .qos = 1};
    given_an_online_client(s);
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    wait_for(s, has_a_publish);
    s->reason = 0x87;
    SAY(s, 0x40, 3, 0, 1, 0x87);
    hang_up(s);
    write_fault = UV_ECONNRESET;
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
    wait_for(s, is_offline);
    write_fault = 0;
    assert_int_equal(s->published, 1);
    assert_non_null(
        strstr(last_told(s)->text, ": connection reset after it refused a publish to t: Not auth"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        TEST(it_connects_subscribes_and_receives),
        TEST(acks_of_one_turn_leave_in_one_write),
        TEST(publishes_of_one_turn_leave_in_one_write),
        TEST(a_packet_may_be_cut_at_every_byte),
        TEST(a_large_packet_arrives_whole_and_leaves_no_memory),
        TEST(many_sizes_in_a_row_arrive_whole),
        TEST(an_announcement_alone_takes_no_memory),
        TEST(a_lost_connection_takes_its_partial_packet_with_it),
        TEST(output_that_the_kernel_does_not_take_arrives_whole),
        TEST(the_servers_keep_alive_overrides_ours),
        TEST(a_broker_that_falls_silent_is_left),
        TEST(a_broker_that_never_answers_connect_is_left),
        TEST(a_name_is_looked_up),
        TEST(it_connects_over_ipv6),
        TEST(a_broker_without_mqtt_5_gets_3_1_1_at_once),
        TEST(credentials_of_the_url_reach_the_broker),
        TEST(what_the_broker_said_before_a_write_failed_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

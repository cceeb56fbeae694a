#include "client_scene.h"

#include <stdlib.h>
#include <string.h>

const struct slice connack_5 = {"\x20\x03\x00\x00\x00", 5};
const struct slice connack_3 = {"\x20\x02\x00\x00", 4};

/* ---- the broker ---- */

struct speech {
    uv_write_t write;
    uint8_t bytes[];
};

static void on_said(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
}

static void say_to(struct visit *v, const void *bytes, size_t len)
{
    struct speech *speech = malloc(sizeof *speech + len);
    assert_non_null(speech);
    memcpy(speech->bytes, bytes, len);
    speech->write.data = speech;
    uv_buf_t buf = uv_buf_init((char *)speech->bytes, (unsigned)len);
    assert_int_equal(uv_write(&speech->write, (uv_stream_t *)&v->tcp, &buf, 1, on_said), 0);
}

static void on_visit_closed(uv_handle_t *handle)
{
    struct visit *v = handle->data;
    buffer_finish(&v->in);
}

static void end_visit(struct visit *v)
{
    if (!v->open)
        return;
    v->open = false;
    uv_close((uv_handle_t *)&v->tcp, on_visit_closed);
}

static void answer(struct visit *v, const uint8_t *packet)
{
    struct scene *s = v->scene;
    struct slice connack =
        packet[0] == 0x10 && packet[8] == 4 && s->connack_of_3.data ? s->connack_of_3 : s->connack;
    if (packet[0] == 0x10 && connack.data)
        say_to(v, connack.data, connack.len);
    else if (packet[0] == 0x82) /* one filter a SUBSCRIBE is all that the tests use */
        say_to(v, (uint8_t[]){0x90, 4, packet[2], packet[3], 0, 1}, 6);
    else if (packet[0] == 0xc0 && !s->ignores_pings)
        say_to(v, (uint8_t[]){0xd0, 0}, 2);
}

static size_t packet_bytes(const uint8_t *data, size_t len)
{
    size_t value = 0;
    for (size_t i = 1; i < len && i < 5; i++) {
        value |= (size_t)(data[i] & 0x7f) << (7 * (i - 1));
        if (!(data[i] & 0x80))
            return value + i + 1 <= len ? value + i + 1 : 0;
    }
    return 0;
}

static void remember(struct visit *v, const uint8_t *packet, size_t len)
{
    struct scene *s = v->scene;
    assert_true(s->packet_count < PACKETS_MAX);
    struct packet_seen *seen = &s->packets[s->packet_count++];
    memcpy(seen->head, packet, len < HEAD_BYTES ? len : HEAD_BYTES);
    seen->len = len;
    seen->visit = v->number;
}

static void take_packets(struct visit *v)
{
    size_t len;
    while ((len = packet_bytes(buffer_data(&v->in), buffer_length(&v->in))) > 0) {
        remember(v, buffer_data(&v->in), len);
        answer(v, buffer_data(&v->in));
        buffer_consume(&v->in, len);
    }
}

static void on_visit_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_bytes)
{
    struct visit *v = handle->data;
    *ret_bytes = uv_buf_init((char *)buffer_reserve(&v->in, suggested), (unsigned)suggested);
}

static void on_visit_read(uv_stream_t *stream, ssize_t read, const uv_buf_t *bytes)
{
    struct visit *v = stream->data;
    (void)bytes;
    if (read < 0) {
        v->gone = true;
        if (v->scene->keeps_open)
            uv_read_stop(stream);
        else
            end_visit(v);
        return;
    }
    if (read == 0)
        return;
    v->scene->bytes_got += (uint64_t)read;
    buffer_commit(&v->in, (size_t)read);
    take_packets(v);
}

static void on_visitor(uv_stream_t *listener, int status)
{
    struct scene *s = listener->data;
    assert_int_equal(status, 0);
    assert_true(s->visit_count < VISITS_MAX);
    struct visit *v = &s->visits[s->visit_count];
    s->accepted_ns[s->visit_count++] = clock_now_ns();
    *v = (struct visit){.scene = s, .number = s->visit_count, .open = true};
    uv_tcp_init(&s->loop, &v->tcp);
    v->tcp.data = v;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&v->tcp), 0);
    uv_tcp_nodelay(&v->tcp, 1);
    if (s->drops_at_accept)
        end_visit(v);
    else if (!s->reads_nothing)
        uv_read_start((uv_stream_t *)&v->tcp, on_visit_alloc, on_visit_read);
}

void listen_on(struct scene *s, const char *address)
{
    struct sockaddr_storage name;
    int len = sizeof name;
    if (strchr(address, ':'))
        assert_int_equal(uv_ip6_addr(address, s->port, (struct sockaddr_in6 *)&name), 0);
    else
        assert_int_equal(uv_ip4_addr(address, s->port, (struct sockaddr_in *)&name), 0);
    uv_tcp_init(&s->loop, &s->listener);
    s->listener.data = s;
    s->listening = true;
    assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&name, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 16, on_visitor), 0);
    assert_int_equal(uv_tcp_getsockname(&s->listener, (struct sockaddr *)&name, &len), 0);
    s->port = ntohs(((struct sockaddr_in *)&name)->sin_port); /* in the same place for IPv6 */
}

static void on_listener_closed(uv_handle_t *handle)
{
    ((struct scene *)handle->data)->listening = false;
}

static bool is_silent(const struct scene *s)
{
    return !s->listening;
}

void stop_listening(struct scene *s)
{
    if (!s->listening)
        return;
    uv_close((uv_handle_t *)&s->listener, on_listener_closed);
    wait_for(s, is_silent);
}

struct visit *current(struct scene *s)
{
    assert_true(s->visit_count > 0);
    return &s->visits[s->visit_count - 1];
}

void say(struct scene *s, const void *bytes, size_t len)
{
    say_to(current(s), bytes, len);
}

void hang_up(struct scene *s)
{
    end_visit(current(s));
}

void reset_connection(struct scene *s)
{
    struct visit *v = current(s);
    v->open = false;
    assert_int_equal(uv_tcp_close_reset(&v->tcp, on_visit_closed), 0);
}

void start_reading(struct scene *s)
{
    s->reads_nothing = false;
    uv_read_start((uv_stream_t *)&current(s)->tcp, on_visit_alloc, on_visit_read);
}

size_t put_publish(struct buffer *out, uint16_t id, size_t payload_len)
{
    size_t rest = 3 + 2 + 1 + payload_len, before = buffer_length(out);
    uint8_t head[] = {0, 1, 't', (uint8_t)(id >> 8), (uint8_t)id, 0};
    uint8_t *payload;
    buffer_append(out, "\x32", 1);
    for (; rest >= 128; rest /= 128)
        buffer_append(out, (uint8_t[]){(uint8_t)(rest % 128) | 0x80}, 1);
    buffer_append(out, (uint8_t[]){(uint8_t)rest}, 1);
    buffer_append(out, head, sizeof head);
    payload = buffer_reserve(out, payload_len);
    for (size_t i = 0; i < payload_len; i++)
        payload[i] = (uint8_t)(i * 7 + i / 251);
    buffer_commit(out, payload_len);
    return buffer_length(out) - before;
}

unsigned count_packets(const struct scene *s, uint8_t first_byte)
{
    unsigned count = 0;
    for (unsigned i = 0; i < s->packet_count; i++)
        count += s->packets[i].head[0] == first_byte;
    return count;
}

const struct packet_seen *last_packet(const struct scene *s)
{
    assert_true(s->packet_count > 0);
    return &s->packets[s->packet_count - 1];
}

/* ---- the client ---- */

static void on_state(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause, const char *text,
                     uint64_t retry_ns)
{
    struct scene *s = user;
    assert_true(s->told_count < TOLD_MAX);
    struct told *told = &s->told[s->told_count++];
    *told = (struct told){.state = state, .cause = cause, .resumed = resumed, .retry_ns = retry_ns};
    snprintf(told->text, sizeof told->text, "%s", text);
    if (s->closes_on_state && s->closes_in == state)
        mqtt_client_close(s->client, s->ends_session);
}

void publish_answer(struct scene *s)
{
    const struct mqtt_publish publish = {.topic = {"u", 1}, .payload = {"abc", 3}, .qos = 1};
    assert_int_equal(mqtt_client_publish(s->client, &publish, NULL), 0);
}

static void on_message(void *user, struct mqtt_message *message)
{
    struct scene *s = user;
    s->messages++;
    s->payload_len = message->payload.len;
    s->payload_sum = 0;
    for (size_t i = 0; i < message->payload.len; i++)
        s->payload_sum = s->payload_sum * 31 + (uint8_t)message->payload.data[i];
    if (s->closes_on_message)
        mqtt_client_close(s->client, false);
    if (s->answers)
        publish_answer(s);
    if (s->releases)
        mqtt_client_release(s->client, message);
    else
        s->held = message;
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct scene *s = user;
    (void)token;
    assert_int_equal(reason, s->reason);
    s->published++;
    if (s->releases_when_published)
        mqtt_client_release(s->client, s->held);
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    struct scene *s = user;
    assert_int_equal(index, 0);
    assert_int_equal(reason, 1);
    s->subscribed++;
}

static void on_closed(void *user)
{
    struct scene *s = user;
    s->closed++;
}

static const struct mqtt_client_events events = {.state = on_state,
                                                 .message = on_message,
                                                 .published = on_published,
                                                 .subscribed = on_subscribed,
                                                 .closed = on_closed};

void given_a_client_of(struct scene *s, const char *host)
{
    snprintf(s->options.broker.host, sizeof s->options.broker.host, "%s", host);
    s->options.broker.port = s->port;
    s->client = mqtt_client_create(s->io, &s->options, &events, s);
    assert_non_null(s->client);
}

void given_an_online_client(struct scene *s)
{
    listen_on(s, "127.0.0.1");
    given_a_client_of(s, "127.0.0.1");
    wait_for(s, is_online);
}

const struct told *last_told(const struct scene *s)
{
    assert_true(s->told_count > 0);
    return &s->told[s->told_count - 1];
}

void close_and_wait(struct scene *s)
{
    mqtt_client_close(s->client, false);
    wait_for(s, is_closed);
}

/* ---- waiting ---- */

static void on_guard(uv_timer_t *guard)
{
    ((struct scene *)guard->data)->late = true;
}

void wait_for(struct scene *s, bool (*condition)(const struct scene *))
{
    s->late = false;
    uv_timer_start(&s->guard, on_guard, GUARD_MS, 0);
    while (!condition(s) && !s->late)
        uv_run(&s->loop, UV_RUN_ONCE);
    uv_timer_stop(&s->guard);
    assert_true(condition(s));
}

bool is_online(const struct scene *s)
{
    return s->told_count > 0 && last_told(s)->state == MQTT_ONLINE;
}

bool is_offline(const struct scene *s)
{
    return s->told_count > 0 && last_told(s)->state == MQTT_OFFLINE;
}

bool is_closed(const struct scene *s)
{
    return s->closed > 0;
}

bool has_messages(const struct scene *s)
{
    return s->messages >= s->wanted;
}

bool has_visits(const struct scene *s)
{
    return s->visit_count >= s->wanted;
}

bool has_packets(const struct scene *s)
{
    return s->packet_count >= s->wanted;
}

bool has_told(const struct scene *s)
{
    return s->told_count >= s->wanted;
}

/* ---- the scene ---- */

int scene_begin(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->guard);
    s->guard.data = s;
    s->io = mqtt_io_create(&s->loop);
    s->connack = connack_5;
    s->options = (struct mqtt_client_options){
        .session = {.client_id = "scene",
                    .protocol = MQTT_AUTO,
                    .session_expiry_s = 3600,
                    .receive_maximum = 1000,
                    .packet_max_bytes = 16 * 1024 * 1024},
        .backoff_min_ns = 20 * NS_PER_MS,
        .backoff_max_ns = 160 * NS_PER_MS,
        .refused_backoff_ns = 200 * NS_PER_MS,
        .random_seed = 7,
    };
    *state = s;
    return 0;
}

static bool is_empty(const struct scene *s)
{
    return !uv_loop_alive(&s->loop);
}

int scene_end(void **state)
{
    struct scene *s = *state;
    if (s->client && !s->closed)
        close_and_wait(s);
    for (unsigned i = 0; i < s->visit_count; i++)
        end_visit(&s->visits[i]);
    stop_listening(s);
    mqtt_io_close(s->io);
    uv_close((uv_handle_t *)&s->guard, NULL);
    while (!is_empty(s))
        uv_run(&s->loop, UV_RUN_ONCE);
    assert_true(s->closed <= 1);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    free(s);
    return 0;
}

/* A broker in small plays against the session: publishes, releases, reads, writes and cuts in random order,
 * from fixed seeds. Whatever the order: messages are delivered, once unless the broker could not know; acks
 * leave in order, once, after the release; outputs arrive in order, none is lost, QoS 2 exactly once. */
#include "mqtt/packet.h"
#include "mqtt/session.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    RUNS = 64,
    STEPS = 4000,
    NUMBERS = 8192,
    IDS = 256,
    LENT_MAX = 64,
    OUTSTANDING_MAX = 60,
    DRAIN_ROUNDS = 1000
};

/* Broker to client: what the broker holds of one message. */
struct flight {
    uint16_t id;
    unsigned number;
    uint8_t qos;
    bool pubrel; /* PUBREC came */
};

struct model {
    struct mqtt_session *session;
    uint64_t random, now_ns;
    bool online, may_lose_session, ignores_receive_maximum, resends_without_dup;
    uint16_t our_maximum, server_maximum, last_id;
    struct buffer wire; /* broker to client, on its way */

    struct flight flights[IDS]; /* in the order first sent */
    size_t flight_count;
    struct {
        uint16_t id;
        unsigned number;
    } awaited[4 * IDS]; /* acks due on this connection, in order */
    size_t awaited_first, awaited_end;

    unsigned in_next, in_last_delivered;
    struct {
        uint8_t qos;
        bool released, ack_lost, broker_lost, acked;
        unsigned delivered;
    } in[NUMBERS];
    struct mqtt_message *lent[LENT_MAX];
    size_t lent_count;

    unsigned out_next, out_accepted, out_outstanding;
    struct {
        uint8_t qos;
        bool may_repeat, published;
        unsigned accepted;
    } out[NUMBERS];
    unsigned on_wire; /* of our Receive Maximum */
    bool counted[UINT16_MAX + 1];
    unsigned qos2_number[UINT16_MAX + 1]; /* accepted, PUBREL not come; 0: none */
    struct {
        uint8_t type;
        uint16_t id;
    } answers[IDS]; /* that the broker has still to give */
    size_t answer_count;
};

static unsigned draw(struct model *m, unsigned below)
{
    m->random = m->random * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(m->random >> 33) % below;
}

/* ---- events ---- */

static unsigned number_of(struct slice payload)
{
    unsigned number;
    assert_int_equal(payload.len, sizeof number);
    memcpy(&number, payload.data, sizeof number);
    assert_true(number < NUMBERS);
    return number;
}

static void on_message(void *user, struct mqtt_message *message)
{
    struct model *m = user;
    unsigned n = number_of(message->payload);
    assert_true(m->lent_count < LENT_MAX);
    m->lent[m->lent_count++] = message;
    /* Again only when our PUBACK did not reach the broker: then it is a new message (MQTT-4.3.2-5). */
    if (m->in[n].delivered)
        assert_true(m->in[n].qos == 1 && m->in[n].ack_lost);
    else
        assert_true(n > m->in_last_delivered);
    if (n > m->in_last_delivered)
        m->in_last_delivered = n;
    m->in[n].delivered++;
    m->in[n].ack_lost = m->in[n].released = false;
}

static void on_published(void *user, void *token, unsigned reason)
{
    struct model *m = user;
    unsigned n = (unsigned)(uintptr_t)token;
    assert_int_equal(reason, 0);
    assert_true(m->out[n].accepted && !m->out[n].published);
    m->out[n].published = true;
    m->out_outstanding--;
}

static void on_online(void *user, bool resumed)
{
    (void)user;
    (void)resumed;
}

static const struct mqtt_session_events events = {
    .online = on_online, .message = on_message, .published = on_published};

/* ---- the broker writes ---- */

static bool speaks_5(const struct model *m)
{
    return mqtt_session_protocol(m->session) == MQTT_5;
}

static void send(struct model *m, uint8_t header, const uint8_t *body, size_t len)
{
    buffer_append(&m->wire, (uint8_t[]){header, (uint8_t)len}, 2);
    buffer_append(&m->wire, body, len);
}

static void send_id(struct model *m, uint8_t header, uint16_t id)
{
    send(m, header, (uint8_t[]){(uint8_t)(id >> 8), (uint8_t)id}, 2);
}

static void send_publish(struct model *m, const struct flight *f, bool dup)
{
    uint8_t body[16] = {0, 1, 't'};
    size_t at = 3;
    if (f->qos) {
        body[at++] = (uint8_t)(f->id >> 8);
        body[at++] = (uint8_t)f->id;
        m->awaited[m->awaited_end].id = f->id;
        m->awaited[m->awaited_end++ % (4 * IDS)].number = f->number;
        assert_true(m->awaited_end < 4 * IDS);
    }
    at += speaks_5(m);
    memcpy(body + at, &f->number, sizeof f->number);
    send(m, (uint8_t)(0x30 | (dup ? 8 : 0) | f->qos << 1), body, at + sizeof f->number);
}

static bool id_in_flight(const struct model *m, uint16_t id)
{
    for (size_t i = 0; i < m->flight_count; i++)
        if (m->flights[i].id == id)
            return true;
    return false;
}

static void broker_publishes(struct model *m)
{
    size_t limit = m->ignores_receive_maximum ? m->our_maximum + 5 : m->our_maximum;
    bool room = m->flight_count < limit && m->lent_count + m->awaited_end - m->awaited_first < LENT_MAX / 2;
    if (!m->online || m->in_next >= NUMBERS || !room || buffer_length(&m->wire) > 300)
        return;
    struct flight f = {.number = m->in_next, .qos = (uint8_t)draw(m, 3)};
    m->in[m->in_next++].qos = f.qos;
    if (f.qos) {
        do /* few ids, so that they are used again soon */
            m->last_id = (uint16_t)(m->last_id % (limit + 3) + 1);
        while (id_in_flight(m, m->last_id));
        f.id = m->last_id;
        m->flights[m->flight_count++] = f;
    }
    send_publish(m, &f, false);
}

static void broker_answers(struct model *m)
{
    if (!m->answer_count)
        return;
    uint16_t id = m->answers[0].id;
    send_id(m, m->answers[0].type, id);
    if (m->answers[0].type == 0x40 || m->answers[0].type == 0x70) {
        m->on_wire -= m->counted[id];
        m->counted[id] = false;
    }
    memmove(m->answers, m->answers + 1, --m->answer_count * sizeof m->answers[0]);
}

/* ---- the broker reads ---- */

static void answer(struct model *m, uint8_t type, uint16_t id)
{
    assert_true(m->answer_count < IDS);
    m->answers[m->answer_count].type = type;
    m->answers[m->answer_count++].id = id;
}

static size_t flight_of(const struct model *m, uint16_t id)
{
    size_t i = 0;
    while (i < m->flight_count && m->flights[i].id != id)
        i++;
    assert_true(i < m->flight_count); /* an ack for what is not in flight */
    return i;
}

static void end_flight(struct model *m, size_t i)
{
    memmove(m->flights + i, m->flights + i + 1, (--m->flight_count - i) * sizeof m->flights[0]);
}

/* MQTT-4.6.0-2, -3: the ack is for the oldest message that was sent on this connection and is not acked. */
static void broker_gets_ack(struct model *m, enum packet_type type, uint16_t id)
{
    assert_true(m->awaited_first < m->awaited_end);
    assert_int_equal(m->awaited[m->awaited_first].id, id);
    unsigned n = m->awaited[m->awaited_first++].number;
    assert_true(m->in[n].released);
    assert_int_equal(type, m->in[n].qos == 2 ? PACKET_PUBREC : PACKET_PUBACK);
    m->in[n].acked = true;
    size_t i = flight_of(m, id);
    if (type == PACKET_PUBACK) {
        end_flight(m, i);
        return;
    }
    m->flights[i].pubrel = true;
    answer(m, 0x62, id);
}

static void broker_gets_pubcomp(struct model *m, uint16_t id)
{
    size_t i = flight_of(m, id);
    assert_true(m->flights[i].pubrel);
    end_flight(m, i);
}

/* An exchange is open on this connection from PUBLISH (or PUBREL, after a resume) to PUBACK or PUBCOMP. */
static void count(struct model *m, uint16_t id)
{
    m->on_wire += !m->counted[id];
    m->counted[id] = true;
}

static void broker_gets_pubrel(struct model *m, uint16_t id)
{
    m->qos2_number[id] = 0;
    count(m, id);
    answer(m, 0x70, id);
}

static void accept(struct model *m, unsigned n, bool dup)
{
    if (m->out[n].accepted)
        assert_true(m->out[n].may_repeat || (m->out[n].qos == 1 && dup));
    else
        assert_int_equal(n, ++m->out_accepted); /* in order, without a hole */
    m->out[n].accepted++;
}

static void broker_gets_publish(struct model *m, uint8_t flags, uint16_t id, unsigned n)
{
    bool dup = flags & 8;
    assert_int_equal(flags >> 1 & 3, m->out[n].qos);
    count(m, id);
    assert_true(m->on_wire <= m->server_maximum); /* MQTT-3.3.4-7, 4.9.0-2 */
    if (m->out[n].qos == 1) {
        accept(m, n, dup);
        answer(m, 0x40, id);
        return;
    }
    if (m->qos2_number[id])
        assert_true(dup && m->qos2_number[id] == n);
    else
        accept(m, n, dup);
    m->qos2_number[id] = n;
    answer(m, 0x50, id);
}

static void broker_gets(struct model *m, const uint8_t *packet, size_t len)
{
    enum packet_type type = packet[0] >> 4;
    size_t at = type == PACKET_PUBLISH ? 5 : 2;
    uint16_t id = (uint16_t)(packet[at] << 8 | packet[at + 1]);
    unsigned number;
    if (type == PACKET_PUBLISH) {
        memcpy(&number, packet + len - sizeof number, sizeof number);
        assert_true(number < NUMBERS);
        broker_gets_publish(m, packet[0] & 15, id, number);
    } else if (type == PACKET_PUBACK || type == PACKET_PUBREC) {
        broker_gets_ack(m, type, id);
    } else if (type == PACKET_PUBREL) {
        broker_gets_pubrel(m, id);
    } else if (type == PACKET_PUBCOMP) {
        broker_gets_pubcomp(m, id);
    } else {
        assert_int_equal(type, PACKET_PINGREQ);
        send(m, 0xd0, NULL, 0);
    }
}

static void broker_reads(struct model *m, unsigned packets)
{
    struct buffer *out = mqtt_session_output(m->session);
    while (packets-- && buffer_length(out)) {
        const uint8_t *packet = buffer_data(out);
        size_t len = 2u + packet[1];
        assert_true(packet[1] < 128 && len <= buffer_length(out));
        broker_gets(m, packet, len);
        buffer_consume(out, len);
    }
}

static void client_reads(struct model *m, size_t len)
{
    size_t used;
    if (!m->online || !buffer_length(&m->wire))
        return;
    if (len > buffer_length(&m->wire))
        len = buffer_length(&m->wire);
    assert_int_equal(mqtt_session_input(m->session, buffer_data(&m->wire), len, m->now_ns, &used), 0);
    buffer_consume(&m->wire, used);
}

/* ---- connections ---- */

/* PUBACKs that were written and never read: the broker resends, and that is then a new message. */
static void lose_acks(struct model *m)
{
    struct buffer *out = mqtt_session_output(m->session);
    for (const uint8_t *p = buffer_data(out), *end = p + buffer_length(out); p < end; p += 2 + p[1])
        if (p[0] >> 4 == PACKET_PUBACK)
            m->in[m->awaited[m->awaited_first++].number].ack_lost = true;
        else if (p[0] >> 4 == PACKET_PUBREC)
            m->awaited_first++;
}

static void cut(struct model *m)
{
    if (buffer_length(mqtt_session_output(m->session)))
        lose_acks(m);
    mqtt_session_lost(m->session, m->now_ns);
    m->online = false;
    m->answer_count = m->awaited_first = m->awaited_end = 0;
    m->on_wire = 0;
    memset(m->counted, 0, sizeof m->counted);
    buffer_clear(&m->wire);
}

static void broker_loses_session(struct model *m)
{
    for (size_t i = 0; i < m->flight_count; i++)
        m->in[m->flights[i].number].broker_lost = true;
    m->flight_count = 0;
    memset(m->qos2_number, 0, sizeof m->qos2_number);
    for (unsigned n = 1; n < m->out_next; n++)
        m->out[n].may_repeat |= !m->out[n].published;
}

static void broker_resends(struct model *m)
{
    for (size_t i = 0; i < m->flight_count; i++)
        if (m->flights[i].pubrel)
            send_id(m, 0x62, m->flights[i].id);
        else
            send_publish(m, &m->flights[i], !m->resends_without_dup);
}

static void connect_again(struct model *m)
{
    bool lost = m->may_lose_session && draw(m, 4) == 0;
    bool first = m->in_next == 1 && m->out_accepted == 0 && m->now_ns == 1;
    uint8_t connack[] = {!(lost || first), 0, 3, 0x21, 0, (uint8_t)m->server_maximum};
    mqtt_session_opened(m->session, ++m->now_ns);
    struct buffer *out = mqtt_session_output(m->session);
    assert_int_equal(buffer_data(out)[0], 0x10);
    buffer_consume(out, buffer_length(out));
    if (lost)
        broker_loses_session(m);
    send(m, 0x20, connack, speaks_5(m) ? sizeof connack : 2);
    m->online = true;
    client_reads(m, buffer_length(&m->wire));
    broker_resends(m);
}

/* ---- the user ---- */

static void user_publishes(struct model *m)
{
    if (m->out_outstanding >= OUTSTANDING_MAX || m->out_next >= NUMBERS)
        return;
    unsigned n = m->out_next++;
    struct mqtt_publish publish = {
        .topic = slice_of("t"), .payload = slice_make(&n, sizeof n), .qos = (uint8_t)(1 + draw(m, 2))};
    m->out[n].qos = publish.qos;
    m->out_outstanding++;
    assert_int_equal(mqtt_session_publish(m->session, &publish, (void *)(uintptr_t)n), 0);
}

static void user_releases(struct model *m)
{
    if (!m->lent_count)
        return;
    size_t i = draw(m, (unsigned)m->lent_count);
    struct mqtt_message *message = m->lent[i];
    m->lent[i] = m->lent[--m->lent_count];
    m->in[number_of(message->payload)].released = true;
    mqtt_session_release(m->session, message);
}

/* ---- a run ---- */

static void step(struct model *m)
{
    switch (draw(m, 14)) {
    case 0:
    case 1:
    case 2:
        broker_publishes(m);
        return;
    case 3:
    case 4:
        user_releases(m);
        return;
    case 5:
        user_publishes(m);
        return;
    case 6:
    case 7:
        client_reads(m, 1 + draw(m, 40));
        return;
    case 8:
    case 9:
    case 10:
        broker_reads(m, 1 + draw(m, 3));
        return;
    case 11:
        broker_answers(m);
        return;
    case 12:
        m->now_ns += draw(m, 1000) * NS_PER_MS;
        assert_int_equal(mqtt_session_tick(m->session, m->now_ns), 0);
        return;
    default:
        if (!m->online)
            connect_again(m);
        else if (draw(m, 8) == 0)
            cut(m);
    }
}

/* No more cuts and no new messages: all that is open comes to its end. */
static void drain(struct model *m)
{
    m->may_lose_session = false;
    if (m->online)
        cut(m);
    connect_again(m);
    for (int i = 0; i < DRAIN_ROUNDS; i++) {
        client_reads(m, SIZE_MAX);
        broker_answers(m);
        user_releases(m);
        broker_reads(m, IDS);
    }
}

static void check_the_end(struct model *m)
{
    struct mqtt_session_counts counts;
    mqtt_session_counts(m->session, &counts);
    assert_int_equal(m->flight_count, 0);
    assert_int_equal(counts.window, 0);
    assert_int_equal(counts.outstanding, 0);
    assert_int_equal(m->out_accepted, m->out_next - 1);
    for (unsigned n = 1; n < m->in_next; n++)
        if (m->in[n].qos && !m->in[n].broker_lost)
            assert_true(m->in[n].delivered >= 1 && m->in[n].acked);
    for (unsigned n = 1; n < m->out_next; n++)
        assert_true(m->out[n].published);
    if (!m->ignores_receive_maximum)
        assert_int_equal(counts.overflow, 0);
}

static void start(struct model *m, unsigned seed)
{
    m->random = seed * 7919 + 1;
    m->now_ns = m->in_next = m->out_next = 1;
    m->may_lose_session = seed % 4 == 3;
    m->ignores_receive_maximum = seed % 5 == 4;
    m->resends_without_dup = seed % 2;
    m->our_maximum = (uint16_t)(1 + draw(m, 12));
    m->server_maximum = (uint16_t)(1 + draw(m, 12));
    struct mqtt_session_options options = {
        .client_id = "model",
        .protocol = seed % 3 == 2 ? MQTT_3_1_1 : MQTT_5,
        .session_expiry_s = 60,
        .receive_maximum = m->our_maximum,
        .keep_alive_s = 600,
    };
    if (options.protocol == MQTT_3_1_1)
        m->server_maximum = UINT16_MAX;
    m->session = mqtt_session_create(&options, &events, m);
    assert_non_null(m->session);
}

static void add_counts(const struct mqtt_session *s, struct mqtt_session_counts *total)
{
    struct mqtt_session_counts counts;
    mqtt_session_counts(s, &counts);
    total->delivered += counts.delivered;
    total->recognised += counts.recognised;
    total->published += counts.published;
    total->overflow += counts.overflow;
    total->sent += counts.sent;
}

static void run(unsigned seed, struct mqtt_session_counts *total)
{
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    start(m, seed);
    connect_again(m);
    for (int i = 0; i < STEPS; i++)
        step(m);
    drain(m);
    check_the_end(m);
    add_counts(m->session, total);
    mqtt_session_destroy(m->session);
    buffer_finish(&m->wire);
    free(m);
}

static void no_order_of_things_loses_or_repeats_a_message(void **state)
{
    struct mqtt_session_counts total = {0};
    (void)state;
    for (unsigned seed = 0; seed < RUNS; seed++) {
        print_message("seed %u\n", seed);
        run(seed, &total);
    }
    /* It was no walk in the park: what is hard happened often. */
           total.overflow);
           assert_true(total.delivered > 10000);
           assert_true(total.published > 5000);
           assert_true(total.recognised > 500);
           assert_true(total.sent > total.published + 500); /* resent */
           assert_true(total.overflow > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_order_of_things_loses_or_repeats_a_message)};
    return cmocka_run_group_tests_name("session_model", tests, NULL, NULL);
}

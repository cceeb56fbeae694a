/* session_model.c: what the broker in small does and checks. */
#include "session_model.h"

unsigned model_draw(struct model *m, unsigned below)
{
    m->random = m->random * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(m->random >> 33) % below;
}

/* ---- events ---- */

unsigned model_number_of(struct slice payload)
{
    unsigned number;
    assert_int_equal(payload.len, sizeof number);
    memcpy(&number, payload.data, sizeof number);
    assert_true(number < MODEL_NUMBERS);
    return number;
}

static void on_message(void *user, struct mqtt_message *message)
{
    struct model *m = user;
    unsigned n = model_number_of(message->payload);
    assert_true(m->lent_count < MODEL_LENT_MAX);
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

const struct mqtt_session_events model_events = {
    .online = on_online, .message = on_message, .published = on_published};

/* ---- the broker writes ---- */

bool model_speaks_5(const struct model *m)
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
        m->awaited[m->awaited_end++ % (4 * MODEL_IDS)].number = f->number;
        assert_true(m->awaited_end < 4 * MODEL_IDS);
    }
    at += model_speaks_5(m);
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

void model_publish(struct model *m)
{
    size_t limit = m->ignores_receive_maximum ? m->our_maximum + 5 : m->our_maximum;
    bool room =
        m->flight_count < limit && m->lent_count + m->awaited_end - m->awaited_first < MODEL_LENT_MAX / 2;
    if (!m->online || m->in_next >= MODEL_NUMBERS || !room || buffer_length(&m->wire) > 300)
        return;
    struct flight f = {.number = m->in_next, .qos = (uint8_t)model_draw(m, 3)};
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

void model_answer(struct model *m)
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
    assert_true(m->answer_count < MODEL_IDS);
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
        assert_true(number < MODEL_NUMBERS);
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

void model_read(struct model *m, unsigned packets)
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

void model_deliver(struct model *m, size_t len)
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

void model_cut(struct model *m)
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

void model_connect(struct model *m)
{
    bool lost = m->may_lose_session && model_draw(m, 4) == 0;
    bool first = m->in_next == 1 && m->out_accepted == 0 && m->now_ns == 1;
    uint8_t connack[] = {!(lost || first), 0, 3, 0x21, 0, (uint8_t)m->server_maximum};
    mqtt_session_opened(m->session, ++m->now_ns);
    struct buffer *out = mqtt_session_output(m->session);
    assert_int_equal(buffer_data(out)[0], 0x10);
    buffer_consume(out, buffer_length(out));
    if (lost)
        broker_loses_session(m);
    send(m, 0x20, connack, model_speaks_5(m) ? sizeof connack : 2);
    m->online = true;
    model_deliver(m, buffer_length(&m->wire));
    broker_resends(m);
}

/* ---- the user ---- */

unsigned model_user_publishes(struct model *m)
{
    unsigned n = m->out_next++;
    assert_true(n < MODEL_NUMBERS);
    struct mqtt_publish publish = {
        .topic = slice_of("t"), .payload = slice_make(&n, sizeof n), .qos = (uint8_t)(1 + model_draw(m, 2))};
    m->out[n].qos = publish.qos;
    m->out_outstanding++;
    assert_int_equal(mqtt_session_publish(m->session, &publish, (void *)(uintptr_t)n), 0);
    return n;
}

void model_user_releases(struct model *m, struct mqtt_message *message)
{
    size_t i = 0;
    while (i < m->lent_count && m->lent[i] != message)
        i++;
    assert_true(i < m->lent_count);
    m->lent[i] = m->lent[--m->lent_count];
    m->in[model_number_of(message->payload)].released = true;
    mqtt_session_release(m->session, message);
}

/* ---- begin and end ---- */

void model_start(struct model *m, unsigned seed, const struct mqtt_session_events *events, void *user)
{
    m->random = seed * 7919 + 1;
    m->now_ns = m->in_next = m->out_next = 1;
    m->may_lose_session = seed % 4 == 3;
    m->ignores_receive_maximum = seed % 5 == 4;
    m->resends_without_dup = seed % 2;
    m->our_maximum = (uint16_t)(1 + model_draw(m, 12));
    m->server_maximum = (uint16_t)(1 + model_draw(m, 12));
    struct mqtt_session_options options = {
        .client_id = "model",
        .protocol = seed % 3 == 2 ? MQTT_3_1_1 : MQTT_5,
        .session_expiry_s = 60,
        .receive_maximum = m->our_maximum,
        .keep_alive_s = 600,
    };
    if (options.protocol == MQTT_3_1_1)
        m->server_maximum = UINT16_MAX;
    m->session = mqtt_session_create(&options, events, user);
    assert_non_null(m->session);
}

void model_check_end(const struct model *m)
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

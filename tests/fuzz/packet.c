/* packet.c: any bytes into the decoder; what comes out lies within them, and what can be written again reads
 * the same. The first byte chooses the protocol. */
#include "fuzz.h"

#include "mqtt/packet.h"

#include <errno.h>

static const uint8_t *low, *high;

static void check_within(struct slice s)
{
    const uint8_t *at = (const uint8_t *)s.data;
    CHECK(at ? at >= low && at <= high && s.len <= (size_t)(high - at) : s.len == 0);
}

static size_t check_user(const struct packet_user_properties *user, struct property *items)
{
    size_t count = packet_user_properties_get(user, items, MQTT_USER_PROPERTIES_MAX);
    CHECK(count == (user->count < MQTT_USER_PROPERTIES_MAX ? user->count : MQTT_USER_PROPERTIES_MAX));
    check_within(user->block);
    for (size_t i = 0; i < count; i++) {
        check_within(items[i].key);
        check_within(items[i].value);
    }
    return count;
}

static void check_connack(const struct packet_connack *c)
{
    struct property items[MQTT_USER_PROPERTIES_MAX];
    CHECK(!(c->session_present && c->reason));
    CHECK(c->receive_maximum && c->maximum_packet_size && c->maximum_qos <= 2);
    check_within(c->assigned_client_id);
    check_within(c->reason_string);
    check_within(c->response_information);
    check_within(c->server_reference);
    check_within(c->auth_method);
    check_within(c->auth_data);
    check_user(&c->user, items);
}

static struct mqtt_publish as_ours(const struct packet_publish *p, const struct property *items, size_t count)
{
    return (struct mqtt_publish){
        .topic = p->topic,
        .payload = p->payload,
        .content_type = p->content_type,
        .response_topic = p->response_topic,
        .correlation = p->correlation,
        .properties = items,
        .property_count = (uint32_t)count,
        .expiry_s = p->expiry_s,
        .has_expiry = p->has_expiry,
        .qos = p->qos,
        .retain = p->retain,
    };
}

static void check_same(const struct packet_publish *a, const struct packet_publish *b)
{
    CHECK(slice_equal(a->topic, b->topic) && slice_equal(a->payload, b->payload));
    CHECK(slice_equal(a->content_type, b->content_type) && slice_equal(a->correlation, b->correlation));
    CHECK(slice_equal(a->response_topic, b->response_topic));
    CHECK(a->id == b->id && a->qos == b->qos && a->dup == b->dup && a->retain == b->retain);
    CHECK(a->has_expiry == b->has_expiry && a->expiry_s == b->expiry_s);
}

static void write_and_read_again(const struct packet_publish *p, enum mqtt_protocol protocol,
                                 const struct property *items, size_t count)
{
    struct mqtt_publish publish = as_ours(p, items, count);
    struct buffer out = {0};
    struct packet again;
    struct packet_fault fault;
    CHECK(packet_publish_check(&publish) == 0);
    packet_write_publish(&out, protocol, &publish, p->id, p->dup);
    CHECK(buffer_length(&out) == packet_publish_bytes(protocol, &publish));
    CHECK(packet_decode(buffer_data(&out), buffer_length(&out), protocol, MQTT_PACKET_MAX, &again, &fault) ==
          1);
    check_same(p, &again.u.publish);
    CHECK(again.u.publish.user.count == count);
    buffer_finish(&out);
}

static void check_publish(const struct packet_publish *p, enum mqtt_protocol protocol)
{
    struct property items[MQTT_USER_PROPERTIES_MAX];
    size_t count = check_user(&p->user, items);
    check_within(p->topic);
    check_within(p->payload);
    check_within(p->content_type);
    check_within(p->response_topic);
    check_within(p->correlation);
    CHECK((p->id != 0) == (p->qos != 0) && p->qos <= 2);
    CHECK(!(p->bad_response_topic && p->response_topic.data));
    CHECK(p->subscription_id_count <= MQTT_SUBSCRIPTION_IDS_MAX);
    if (p->topic.len)
        write_and_read_again(p, protocol, items, count);
}

static void check_answer(uint16_t id, struct slice reason_string, const struct packet_user_properties *user)
{
    struct property items[MQTT_USER_PROPERTIES_MAX];
    CHECK(id != 0);
    check_within(reason_string);
    check_user(user, items);
}

static void check_farewell(const struct packet_farewell *f)
{
    check_answer(1, f->reason_string, &f->user);
    check_within(f->server_reference);
    check_within(f->auth_method);
    check_within(f->auth_data);
}

static void check_packet(const struct packet *p, enum mqtt_protocol protocol)
{
    switch (p->type) {
    case PACKET_CONNACK:
        check_connack(&p->u.connack);
        break;
    case PACKET_PUBLISH:
        check_publish(&p->u.publish, protocol);
        break;
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        check_within(p->u.suback.reasons);
        check_answer(p->u.suback.id, p->u.suback.reason_string, &p->u.suback.user);
        break;
    case PACKET_DISCONNECT:
    case PACKET_AUTH:
        check_farewell(&p->u.farewell);
        break;
    case PACKET_PINGRESP:
        CHECK(p->len >= 2);
        break;
    default:
        CHECK(p->type >= PACKET_PUBACK && p->type <= PACKET_PUBCOMP);
        check_answer(p->u.ack.id, p->u.ack.reason_string, &p->u.ack.user);
        break;
    }
}

/* One byte less of the same packet is incomplete. */
static void check_prefix(const uint8_t *data, size_t len, enum mqtt_protocol protocol)
{
    struct packet packet;
    struct packet_fault fault;
    CHECK(packet_decode(data, len - 1, protocol, MQTT_PACKET_MAX, &packet, &fault) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packet packet;
    struct packet_fault fault = {0};
    if (size == 0)
        return 0;
    enum mqtt_protocol protocol = data[0] & 1 ? MQTT_5 : MQTT_3_1_1;
    for (low = data + 1, high = data + size; low < high; low += packet.len) {
        int r = packet_decode(low, (size_t)(high - low), protocol, 1 << 20, &packet, &fault);
        CHECK(r == 1 || r == 0 || (r == -EBADMSG && fault.text && fault.reason >= 0x80));
        if (r != 1)
            break;
        CHECK(packet.len >= 2 && packet.len <= (size_t)(high - low));
        check_packet(&packet, protocol);
        check_prefix(low, packet.len, protocol);
    }
    return 0;
}

#include "dispatcher/outbox.h"

#include "dispatcher/hops.h"
#include "shared/check.h"
#include "shared/utf8.h"

#include <errno.h>

static int refuse(struct diag *diag, int error, const char *what)
{
    diag_set(diag, NULL, 0, 0, "%s", what);
    return error;
}

static bool text_ok(struct slice text)
{
    return text.len <= UINT16_MAX && utf8_plain(text);
}

/* A broker that ends the connection for it would do so again, for ever. */
static bool topic_ok(struct slice topic)
{
    return topic_name_valid(topic) && utf8_plain(topic);
}

static bool topic_allowed(const struct outbox_rules *rules, struct slice topic)
{
    const struct manifest *m = rules->manifest;
    for (size_t i = 0; i < m->publish_count; i++) {
        if (topic_match_bound(slice_of(m->publishes[i]), topic, rules->captures))
            return true;
    }
    return rules->publish_anywhere;
}

static int check_message(const struct outbox_rules *rules, const struct wire_message *message,
                         struct diag *diag)
{
    if (!topic_ok(message->topic))
        return refuse(diag, -EINVAL, "it published to something that is no topic name");
    if (!topic_allowed(rules, message->topic))
        return refuse(diag, -EACCES, "it published to a topic that its manifest does not allow");
    bool response_ok = !message->response_topic.data || topic_ok(message->response_topic);
    bool texts_ok = text_ok(message->content_type) && message->correlation.len <= UINT16_MAX && response_ok;
    for (uint32_t i = 0; i < message->property_count; i++)
        texts_ok = texts_ok && text_ok(message->properties[i].key) && text_ok(message->properties[i].value);
    return texts_ok ? 0 : refuse(diag, -EINVAL, "it published a property that MQTT cannot carry");
}

static int check_frame(const struct outbox_rules *rules, const struct wire_header *header, struct slice body,
                       struct diag *diag)
{
    struct property properties[WIRE_PROPERTIES_MAX];
    struct wire_message message = {0};
    if (header->type == WIRE_REPLY) {
        if (!rules->response_topic.data)
            return refuse(diag, -EDESTADDRREQ, "it replied where nobody had asked for a reply");
        if (wire_get_reply(body, &message.payload))
            return refuse(diag, -EBADMSG, "it sent a reply that is none");
    } else {
        if (wire_get_publish(body, &message, properties))
            return refuse(diag, -EBADMSG, "it sent an output that is none");
        int error = check_message(rules, &message, diag);
        if (error)
            return error;
    }
    if (message.payload.len > rules->manifest->limit_payload_bytes)
        return refuse(diag, -EMSGSIZE, "it published more bytes than limits.payload");
    return 0;
}

static int check(const struct outbox *box, const struct outbox_rules *rules, const struct wire_header *header,
                 struct slice body, struct diag *diag)
{
    int error = check_frame(rules, header, body, diag);
    if (error)
        return error;
    if (box->count >= rules->manifest->limit_publishes)
        return refuse(diag, -ENOBUFS, "it published more messages than limits.publishes");
    if (outbox_bytes(box) + sizeof *header + body.len > OUTBOX_BYTES_MAX)
        return refuse(diag, -ENOBUFS, "it published more than 32 MiB in one invocation");
    return 0;
}

int outbox_add(struct outbox *box, const struct outbox_rules *rules, const struct wire_header *header,
               struct slice body, struct diag *diag)
{
    int error = check(box, rules, header, body, diag);
    if (!error)
        error = outbox_keep(box, diag);
    if (error)
        return error;
    buffer_append(&box->frames, header, sizeof *header);
    buffer_append(&box->frames, body.data, body.len);
    if (buffer_failed(&box->frames))
        return refuse(diag, -ENOMEM, "no memory for what it published");
    box->count++;
    return 0;
}

int outbox_lend(struct outbox *box, const struct outbox_rules *rules, const struct wire_header *header,
                struct slice body, struct diag *diag)
{
    const char *frame = body.data - sizeof *header;
    int error = check(box, rules, header, body, diag);
    bool behind = box->lent.len && box->lent.data + box->lent.len == frame;
    if (!error && !behind)
        error = outbox_keep(box, diag);
    if (error)
        return error;
    box->lent = slice_make(behind ? box->lent.data : frame, box->lent.len + sizeof *header + body.len);
    box->count++;
    return 0;
}

int outbox_keep(struct outbox *box, struct diag *diag)
{
    struct slice lent = box->lent;
    box->lent = (struct slice){0};
    if (lent.len)
        buffer_append(&box->frames, lent.data, lent.len);
    return buffer_failed(&box->frames) ? refuse(diag, -ENOMEM, "no memory for what it published") : 0;
}

size_t outbox_bytes(const struct outbox *box)
{
    return buffer_length(&box->frames) + box->lent.len;
}

static void from_reply(struct slice body, const struct mqtt_message *request,
                       struct mqtt_publish *ret_publish)
{
    *ret_publish = (struct mqtt_publish){.topic = request->response_topic,
                                         .correlation = request->correlation,
                                         .qos = request->qos,
                                         .checked = true};
    CHECK(wire_get_reply(body, &ret_publish->payload) == 0);
}

static void from_publish(struct slice body, struct mqtt_publish *ret_publish, struct property *properties)
{
    struct wire_message m;
    CHECK(wire_get_publish(body, &m, properties) == 0);
    m.property_count = hops_copy_own(properties, properties, m.property_count);
    *ret_publish = (struct mqtt_publish){.topic = m.topic,
                                         .payload = m.payload,
                                         .content_type = m.content_type,
                                         .response_topic = m.response_topic,
                                         .correlation = m.correlation,
                                         .properties = m.properties,
                                         .property_count = m.property_count,
                                         .expiry_s = m.expiry_s,
                                         .has_expiry = m.expiry_s != 0,
                                         .qos = m.qos,
                                         .retain = m.retained,
                                         .checked = true};
}

bool outbox_next(const struct outbox *box, size_t *offset, const struct mqtt_message *request,
                 struct mqtt_publish *ret_publish, struct property *properties)
{
    struct wire_header header;
    size_t kept = buffer_length(&box->frames);
    if (*offset >= outbox_bytes(box))
        return false;
    const char *at = *offset < kept ? (const char *)box->frames.memory + box->frames.start + *offset
                                    : box->lent.data + (*offset - kept);
    memcpy(&header, at, sizeof header);
    struct slice body = slice_make(at + sizeof header, header.length);
    *offset += sizeof header + header.length;
    if (header.type == WIRE_REPLY)
        from_reply(body, request, ret_publish);
    else
        from_publish(body, ret_publish, properties);
    return true;
}

void outbox_clear(struct outbox *box)
{
    buffer_finish(&box->frames);
    box->lent = (struct slice){0};
    box->count = 0;
}

/* session_connect.c: how a connection begins: CONNECT, CONNACK, and what the server allows from then on. */
#include "mqtt/session_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void session_send_connect(struct mqtt_session *s)
{
    const struct mqtt_session_options *o = &s->options;
    struct packet_connect connect = {
        .client_id = slice_of(o->client_id),
        .username = slice_of(o->username),
        .password = slice_of(o->password),
        .will_topic = slice_of(o->will_topic),
        .will_payload = slice_of(o->will_payload),
        .keep_alive_s = o->keep_alive_s,
        .clean_start = o->clean_start,
        .no_problem_information = true, /* 3.1.2-29: reason strings would only be bytes */
        .receive_maximum = o->receive_maximum,
        .topic_alias_maximum = SESSION_TOPIC_ALIASES_MAX,
        .session_expiry_s = o->clean_start ? 0 : o->session_expiry_s,
        .maximum_packet_size = o->packet_max_bytes,
    };
    if (s->protocol != MQTT_5 && !connect.username.data)
        connect.password = (struct slice){0}; /* MQTT 3.1.1: no password without a user name */
    packet_write_connect(&s->out, s->protocol, &connect);
    session_sent(s);
}

/* With MQTT_AUTO a refused version has another to try; without it, trying again at once helps nobody. */
static enum mqtt_cause cause_of_version(struct mqtt_session *s)
{
    bool was_5 = s->protocol == MQTT_5;
    if (s->options.protocol != MQTT_AUTO)
        return MQTT_CAUSE_REFUSED;
    s->belief = was_5 ? MQTT_REFUSED_5 : MQTT_KNOWS_NOTHING;
    s->protocol = was_5 ? MQTT_3_1_1 : MQTT_5;
    return was_5 ? MQTT_CAUSE_VERSION : MQTT_CAUSE_REFUSED;
}

static int refuse(struct mqtt_session *s, const struct packet_connack *connack)
{
    enum mqtt_cause cause = session_cause_of_refusal(connack->reason);
    if (cause == MQTT_CAUSE_VERSION)
        cause = cause_of_version(s);
    return session_fail(s, cause, 0, "the broker refuses the connection: %s (0x%02x)%s%.*s%s%.*s",
                        packet_reason_name(connack->reason), connack->reason,
                        connack->reason_string.data ? ": " : "", SLICE_ARG(connack->reason_string),
                        connack->server_reference.data ? "; server reference: " : "",
                        SLICE_ARG(connack->server_reference));
}

static void take_limits(struct mqtt_session *s, const struct packet_connack *connack)
{
    s->limits = (struct session_limits){
        .packet_max_bytes = connack->maximum_packet_size,
        .receive_maximum = connack->receive_maximum,
        .qos_max = connack->maximum_qos,
        .retain = connack->retain_available,
        .wildcard = connack->wildcard_available,
        .subscription_ids = connack->subscription_ids_available,
        .shared = connack->shared_available,
    };
    /* MQTT-3.1.2-21, 3.2.2-21: the server's value replaces ours. */
    s->keep_alive_s = connack->has_server_keep_alive ? connack->server_keep_alive_s : s->options.keep_alive_s;
}

/* The session at the broker has that name from now on, so the next CONNECT must use it (MQTT-3.2.2-16). */
static void take_client_id(struct mqtt_session *s, struct slice assigned)
{
    char *copy = assigned.len ? slice_to_string(assigned) : NULL;
    if (!copy)
        return;
    free((char *)s->options.client_id);
    s->options.client_id = copy;
}

static int check_session(struct mqtt_session *s, bool present)
{
    if (present && s->options.clean_start)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR,
                            "Session Present 1 after Clean Start 1 (MQTT-3.2.2-2)");
    if (present && !s->has_state && !s->options.adopt)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR,
                            "the broker keeps a session of this client id that is not ours (MQTT-3.2.2-4)");
    return 0;
}

static void go_online(struct mqtt_session *s, bool resumed)
{
    s->has_state = true;
    s->hang_ups = 0;
    if (s->protocol == MQTT_5)
        s->belief = MQTT_SPEAKS_5;
    else if (s->belief != MQTT_REFUSED_5)
        s->belief = MQTT_TOOK_3_1_1;
    s->resumed = resumed;
    session_in_online(s, resumed);
    session_out_online(s, resumed);
    session_sub_online(s, resumed);
    s->events.online(s->user, resumed);
}

int session_on_connack(struct mqtt_session *s, const struct packet_connack *connack)
{
    if (s->phase != PHASE_CONNECTING)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR, "a second CONNACK (MQTT-3.2.0-2)");
    if (connack->reason != PACKET_SUCCESS)
        return refuse(s, connack);
    s->phase = PHASE_ONLINE;
    take_limits(s, connack);
    take_client_id(s, connack->assigned_client_id);
    if (s->limits.packet_max_bytes < SESSION_ACK_BYTES)
        return session_fail(s, MQTT_CAUSE_PROTOCOL, PACKET_PROTOCOL_ERROR,
                            "Maximum Packet Size %u leaves no room for an acknowledgement",
                            (unsigned)s->limits.packet_max_bytes);
    if (check_session(s, connack->session_present) < 0)
        return -EPROTO;
    go_online(s, connack->session_present);
    return 0;
}

enum mqtt_belief mqtt_session_belief(const struct mqtt_session *s)
{
    return s->belief;
}

void mqtt_session_believe(struct mqtt_session *s, enum mqtt_belief belief)
{
    if (s->options.protocol != MQTT_AUTO)
        return;
    s->belief = belief;
    if (s->phase == PHASE_OFFLINE)
        s->protocol = belief == MQTT_REFUSED_5 ? MQTT_3_1_1 : MQTT_5;
}

bool mqtt_session_hung_up(struct mqtt_session *s)
{
    if (s->options.protocol != MQTT_AUTO || s->phase != PHASE_CONNECTING || s->heard_anything)
        return false;
    s->hung_up = true;
    if (s->protocol != MQTT_5 || s->belief == MQTT_SPEAKS_5)
        return false;
    if (++s->hang_ups < 2 && s->belief == MQTT_KNOWS_NOTHING)
        return false;
    s->cause = MQTT_CAUSE_VERSION;
    snprintf(s->text, sizeof s->text, "the broker hung up on MQTT 5");
    return true;
}

/* 3.1.1 follows at once on a hang-up over 5, and 5 comes first at all other times. So a broker that begins to
 * speak between two attempts, behind a proxy that accepts and closes for it, is met with 5. */
void session_choose_protocol(struct mqtt_session *s)
{
    if (s->options.protocol != MQTT_AUTO)
        return;
    if (!s->hung_up)
        s->hang_ups = 0;
    bool wants_3 = s->cause == MQTT_CAUSE_VERSION || s->belief == MQTT_REFUSED_5;
    s->protocol = wants_3 ? MQTT_3_1_1 : MQTT_5;
}

/* session_internal.h: what the session_*.c files share. Nobody else includes it.
 *
 * session.c          phases, input, time
 * session_connect.c  CONNECT, CONNACK, the limits a server sets
 * session_reason.c   reason codes into causes and words
 * session_in.c       messages from the broker: ack window, orphans, QoS 2
 * session_out.c      messages to the broker: order, flow control, resending
 * session_sub.c      subscriptions */
#ifndef HARK_MQTT_SESSION_INTERNAL_H
#define HARK_MQTT_SESSION_INTERNAL_H

#include "mqtt/id_map.h"
#include "mqtt/packet.h"
#include "mqtt/session.h"

#include <sys/queue.h>

enum {
    SESSION_TOPIC_ALIASES_MAX = 32,        /* that the server may use towards us */
    SESSION_HELD_MAX = 65535,              /* QoS 1/2 messages held at once, whatever their state */
    SESSION_PUBLISH_IDS_MAX = 65000,       /* the other packet ids stay free for SUBSCRIBE and UNSUBSCRIBE */
    SESSION_ACK_BYTES = 4,                 /* an acknowledgement without a reason code */
    SESSION_LATE_BYTES_MAX = 64 * 1024,    /* PUBCOMPs that wait; more of them leave at once */
    SESSION_KEPT_IN_PLACE_MIN = 16 * 1024, /* bytes of a payload that stays where it was read */
    SESSION_SHORT_KEEP_ALIVE_S = 5,        /* a shorter one is the server's own; half of it would be rash */
    SESSION_PING_TIMEOUT_S = 20,           /* for an answer to PINGREQ, at most */
    SESSION_TEXT_MAX = 256
};

enum session_phase {
    PHASE_OFFLINE,
    PHASE_CONNECTING, /* CONNECT is out */
    PHASE_ONLINE,
    PHASE_ENDING, /* nothing more is sent; the shell is to close and call mqtt_session_lost */
    PHASE_CLOSED
};

/* Which list a message from the broker is in. */
enum inbound_place {
    IN_WINDOW,   /* came on this connection, its PUBACK or PUBREC is due */
    IN_ORPHANS,  /* came on an earlier connection and was not acknowledged there */
    IN_RECEIVED, /* QoS 2: PUBREC is out, PUBREL has not come; kept for its id (MQTT-4.3.3-10) */
    IN_LOOSE,    /* nothing to acknowledge: QoS 0, or the broker has forgotten it */
    INBOUND_PLACES
};

/* A message from the broker, with its bytes behind it, or all but the payload's. */
struct inbound {
    struct id_node node;
    TAILQ_ENTRY(inbound) link;
    enum inbound_place place;
    bool released; /* by the user: its work is safe */
    bool received; /* PUBREC was sent once */
    bool counted;  /* against our Receive Maximum on this connection */
    size_t bytes;  /* of memory */
    void *memory;  /* owned, where the payload lies; NULL: behind it */
    struct mqtt_message message;
};
TAILQ_HEAD(inbound_list, inbound);

enum request_kind { REQUEST_PUBLISH, REQUEST_SUBSCRIBE, REQUEST_UNSUBSCRIBE };

/* A message to the broker, with its bytes behind it. */
struct outbound {
    struct id_node node; /* no id: never sent in this session of the broker */
    TAILQ_ENTRY(outbound) link;
    void *token;
    size_t bytes; /* of memory */
    struct mqtt_publish publish;
    unsigned reason;  /* of PUBREC; in `finished`: what to report */
    uint8_t wire_qos; /* as last sent: the server's Maximum QoS may lower it */
    bool pubrec;      /* in `released`: PUBREC came, PUBCOMP has not */
    bool on_wire;     /* counted against the server's Receive Maximum on this connection */
    bool left_open;   /* a connection ended while it was on the wire and unanswered */
};
TAILQ_HEAD(outbound_list, outbound);

enum subscription_state { SUB_WANTED, SUB_ASKED, SUB_GRANTED, SUB_REFUSED };

/* A filter wanted, being left, or replaced while its SUBACK is still to come; its text is behind it. */
struct subscription {
    struct id_node node; /* of the request under way */
    TAILQ_ENTRY(subscription) link;
    struct mqtt_filter filter;
    size_t index; /* among the filters as last set */
    enum subscription_state state;
    bool known;      /* an earlier process left it at the broker */
    bool asked_once; /* the broker may have it */
    bool abandoned;  /* nobody wants to hear of the answer */
    bool report;     /* `reason` is to be reported */
    unsigned reason;
};
TAILQ_HEAD(subscription_list, subscription);

/* What the server allows on this connection. */
struct session_limits {
    uint32_t packet_max_bytes;
    uint16_t receive_maximum;
    uint8_t qos_max;
    bool retain, wildcard, subscription_ids, shared;
};

struct mqtt_session {
    struct mqtt_session_options options; /* its strings are owned */
    struct mqtt_session_events events;
    void *user;
    struct buffer out;
    struct buffer late;  /* PUBCOMPs that wait */
    bool acks_wait;      /* PUBACK, PUBREC, PUBCOMP: see session_send_acks */
    struct buffer *lent; /* whose memory a message may keep; NULL: none */

    enum session_phase phase;
    enum mqtt_protocol protocol;
    enum mqtt_cause cause;
    char text[SESSION_TEXT_MAX];
    uint64_t now_ns, opened_ns, sent_ns, heard_ns;
    uint64_t ping_ns; /* when PINGREQ went out; valid if pinged */
    uint32_t keep_alive_s;
    enum mqtt_belief belief;
    unsigned hang_ups; /* in a row: see mqtt_session_hung_up */
    bool pinged, heard_anything, hung_up;
    bool has_state; /* we were online once: a session at the broker is ours */
    bool resumed;
    struct session_limits limits;

    struct inbound_list inbound[INBOUND_PLACES];
    struct id_map inbound_ids;            /* of WINDOW, ORPHANS and RECEIVED */
    struct slice *aliases;                /* SESSION_TOPIC_ALIASES_MAX owned topics; NULL: none so far */
    uint32_t place_count[INBOUND_PLACES]; /* QoS 1/2 only */
    uint32_t inflight;                    /* counted against our Receive Maximum */

    struct id_map outbound_ids; /* publishes, SUBSCRIBE and UNSUBSCRIBE (MQTT-2.2.1-3) */
    uint16_t last_id;
    struct outbound_list outbox;   /* in order; sent ones first */
    struct outbound *unsent;       /* first of outbox not sent on this connection; NULL: none */
    struct outbound_list released; /* PUBREC came, in that order (MQTT-4.6.0-4) */
    struct outbound_list finished; /* to be reported */
    struct outbound_list offline;  /* QoS 0, waiting for a connection */
    uint32_t offline_count;
    uint32_t on_wire;               /* used up of the server's Receive Maximum */
    uint32_t pace;                  /* nor more at a time than this: 1 after a loss, doubled by each answer */
    char refusal[SESSION_TEXT_MAX]; /* in words, if the broker's last packet refused a publish */

    struct subscription_list wanted, leaving, replaced;
    bool leaving_report; /* events.unsubscribed is due once `leaving` is empty */

    struct mqtt_session_counts counts;
};

/* Absent and empty are the same here. */
static inline bool session_same_bytes(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* session.c */

/* Ends the connection: cause and text for people, reason for the DISCONNECT (0: none). Returns -EPROTO. */
__attribute__((format(printf, 4, 5))) int session_fail(struct mqtt_session *s, enum mqtt_cause cause,
                                                       uint8_t reason, const char *format, ...);
static inline bool session_online(const struct mqtt_session *s)
{
    return s->phase == PHASE_ONLINE;
}
/* Something was appended to the output. */
void session_sent(struct mqtt_session *s);
/* PUBACK, PUBREC, PUBREL, PUBCOMP, within the server's Maximum Packet Size (MQTT-3.2.2-15). */
void session_send_ack(struct mqtt_session *s, enum packet_type type, uint16_t id, uint8_t reason);

/* A publish that is sent alone, because an earlier connection ended with some unanswered, stays alone: no
 * acknowledgement is sent behind it, where a broker that closes for it would leave it unread. The kernel
 * makes that a reset, which takes the answer along: the same would happen on the next connection, without
 * end. They wait (acks_wait) until the publish is answered; is it refused, until the broker says one thing
 * more, since a refusal may be its last word. Were they sent, what they acknowledge would run again. */
void session_send_acks(struct mqtt_session *s); /* no wait any more */
/* PINGREQ, whose answer is such a thing. */
void session_ping(struct mqtt_session *s);

/* session_connect.c */
void session_send_connect(struct mqtt_session *s);
__attribute__((warn_unused_result)) int session_on_connack(struct mqtt_session *s,
                                                           const struct packet_connack *connack);
/* A connection is over: which version is next? */
void session_choose_protocol(struct mqtt_session *s);

/* session_reason.c */
enum mqtt_cause session_cause_of_refusal(uint8_t reason);
enum mqtt_cause session_cause_of_disconnect(uint8_t reason);
void session_note_refusal(struct mqtt_session *s, struct slice topic, unsigned reason); /* of a publish */

/* session_in.c */
__attribute__((warn_unused_result)) int session_on_publish(struct mqtt_session *s,
                                                           const struct packet_publish *publish);
void session_on_pubrel(struct mqtt_session *s, const struct packet_ack *ack);
void session_flush_acks(struct mqtt_session *s); /* what is released leaves, as far as its turn has come */
void session_in_online(struct mqtt_session *s, bool resumed);
void session_in_lost(struct mqtt_session *s);
void session_in_finish(struct mqtt_session *s);

/* session_out.c */
__attribute__((warn_unused_result)) int session_on_puback(struct mqtt_session *s,
                                                          const struct packet_ack *ack);
__attribute__((warn_unused_result)) int session_on_pubrec(struct mqtt_session *s,
                                                          const struct packet_ack *ack);
__attribute__((warn_unused_result)) int session_on_pubcomp(struct mqtt_session *s,
                                                           const struct packet_ack *ack);
/* A packet id that is not in use, for `node`. 0, -EBUSY (none is free), -ENOMEM. */
__attribute__((warn_unused_result)) int session_take_id(struct mqtt_session *s, struct id_node *node);
void session_out_online(struct mqtt_session *s, bool resumed);
void session_out_lost(struct mqtt_session *s);
bool session_out_has_report(const struct mqtt_session *s);
void session_out_report(struct mqtt_session *s);
void session_out_finish(struct mqtt_session *s);

/* session_sub.c */
__attribute__((warn_unused_result)) int session_on_suback(struct mqtt_session *s,
                                                          const struct packet_suback *ack);
__attribute__((warn_unused_result)) int session_on_unsuback(struct mqtt_session *s,
                                                            const struct packet_suback *ack);
void session_sub_init(struct mqtt_session *s);
void session_sub_online(struct mqtt_session *s, bool resumed);
void session_sub_lost(struct mqtt_session *s);
bool session_sub_has_report(const struct mqtt_session *s);
void session_sub_report(struct mqtt_session *s);
void session_sub_finish(struct mqtt_session *s);

#endif

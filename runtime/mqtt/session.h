/* session.h: one MQTT client session as a pure state machine: no I/O, no clock, no globals.
 *
 * In the dispatcher, on its loop. The shell (client.c) feeds it bytes, the moment, and the ends of
 * connections; it appends what is to be sent to `out` and calls back through `events`. Callbacks run inside
 * mqtt_session_input and mqtt_session_tick, never inside a call that asks for something; they may call
 * mqtt_session_publish, _release, _subscribe and _unsubscribe, and nothing else.
 *
 * Inbound: every QoS 1/2 message enters the ack window, a FIFO. mqtt_session_release marks it done; acks
 * leave from the head only, in the order the messages came (MQTT-4.6.0-2, -3). When the connection is lost,
 * entries not yet acknowledged stay as orphans: after a resume (Session Present 1) a message that comes again
 * with the same packet id, topic and payload is recognised, is not delivered a second time, and is
 * acknowledged once, on the new connection, when (or because) its work is done. Orphans end when the broker
 * has lost the session, or reuses their id for something else. QoS 2 ids are kept from PUBREC to PUBREL, also
 * across connections (MQTT-4.3.3-10).
 *
 * Outbound: QoS 1/2 publishes get a packet id, wait when the server's Receive Maximum is reached, are kept
 * until PUBACK/PUBCOMP, and are sent again after a resume: same ids, same order, DUP 1 (MQTT-4.4.0-1); PUBREL
 * once PUBREC came. After Session Present 0 they are sent as new. They survive any number of connections.
 * When one ended with some of them under way, the next one begins with a single publish, with no ack behind
 * it, and each answer doubles what may be under way. QoS 0 publishes while offline are kept too, up to
 * options.offline_qos0_max, oldest dropped. One whose expiry runs out before it was ever sent is not sent,
 * and is over. */
#ifndef HARK_MQTT_SESSION_H
#define HARK_MQTT_SESSION_H

#include "mqtt/mqtt.h"
#include "shared/buffer.h"
#include "shared/slabs.h"

struct mqtt_session;

/* Strings are copied. */
struct mqtt_session_options {
    const char *client_id;  /* not empty */
    const char *username;   /* NULL: none */
    const char *password;   /* NULL: none */
    const char *will_topic; /* what the broker publishes, retained and at QoS 1, when a connection ends that
                             * we did not; NULL: nothing */
    const char *will_payload;
    enum mqtt_protocol protocol;
    bool clean_start;           /* true: no session is kept at the broker (3.1.1: Clean Session) */
    uint32_t session_expiry_s;  /* MQTT 5; 0xffffffff: never. Ignored with clean_start */
    uint16_t receive_maximum;   /* ours, 1..65535; constant for the life of the session object */
    uint16_t keep_alive_s;      /* 0: off. The server's own value overrides it (MQTT-3.1.2-21) */
    uint32_t connect_timeout_s; /* from opened to CONNACK; 0: 20 */
    uint32_t packet_max_bytes;  /* ours, told to the broker; what is larger ends the connection with 0x95 */
    bool adopt; /* Session Present 1 on the first connection of this object: true: go on with it; false:
                 * close, as MQTT-3.2.2-4 asks of a client without state */
    uint32_t offline_qos0_max; /* messages */
    struct slabs *slabs;       /* messages are from there; outlives the session. NULL: from malloc */
};

/* All get `user` of mqtt_session_create. Only `send` is optional. */
struct mqtt_session_events {
    /* CONNACK 0. resumed: Session Present was 1. When false, the session has nothing subscribed: the session
     * itself subscribes again to all its filters (MQTT-3.2.2-5), and outputs are sent as new. */
    void (*online)(void *user, bool resumed);
    /* A message; lent until mqtt_session_release. */
    void (*message)(void *user, struct mqtt_message *message);
    /* A QoS 1/2 publish is over. reason < 0x80: the broker has it (0x10: nobody listens;
     * MQTT_TAKEN_AT_QOS_1); else it refused it,
     * or 0x100 + : we could not send it (MQTT_UNSENDABLE_…). Never called for QoS 0. */
    void (*published)(void *user, void *token, unsigned reason);
    /* The answer to one filter; reason >= 0x80: refused, by the broker, or by the session for it: 0x9e, 0xa2
     * when CONNACK rules out shared subscriptions or wildcards, MQTT_UNSENDABLE_SIZE. In 3.1.1 a `known`
     * filter of a resumed session is granted without asking. Index into the filters as last set. */
    void (*subscribed)(void *user, size_t index, unsigned reason);
    /* All unsubscriptions asked for so far are answered, or not needed any more: the broker has lost the
     * session, or the filters are wanted again. Not called when there was nothing to unsubscribe. */
    void (*unsubscribed)(void *user);
    /* The output, which *out holds, and behind it `bytes`, which lie where they will not stay: sends what can
     * leave now, consumes it from *out, and returns how many of `bytes` were taken. What is left of them is
     * copied behind the output, as all of them are without this call. */
    size_t (*send)(void *user, struct buffer *out, struct slice bytes);
};

enum {
    MQTT_SENT_IN_PLACE_MIN = 16 * 1024, /* bytes of a payload that events.send is asked for */
    MQTT_TAKEN_AT_QOS_1 = 0x01,         /* the broker has it, and promises for QoS 1 what was sent at QoS 2 */
    MQTT_UNSENDABLE_SIZE = 0x100,       /* larger than the server's Maximum Packet Size (MQTT-3.2.2-15) */
    MQTT_UNSENDABLE_RETAIN /* retain, but the server has Retain Available 0: only with retain (MQTT-3.2.2-14)
                            */
};

/* NULL: out of memory. Nothing is sent before mqtt_session_opened. */
struct mqtt_session *mqtt_session_create(const struct mqtt_session_options *options,
                                         const struct mqtt_session_events *events, void *user);
/* Frees everything, messages that are lent out included. */
void mqtt_session_destroy(struct mqtt_session *s);

/* ---- the shell's side ---- */

/* The byte stream is up: CONNECT is appended to the output. */
void mqtt_session_opened(struct mqtt_session *s, uint64_t now_ns);
/* Parses as many whole packets as data[len] holds, in place; *ret_used is how many bytes are done with: the
 * shell keeps the rest and offers it again with more behind it. 0, or -EPROTO: the connection is over; send
 * what is in the output (it holds a DISCONNECT when one is due), then close, then call mqtt_session_lost. */
__attribute__((warn_unused_result)) int mqtt_session_input(struct mqtt_session *s, const uint8_t *data,
                                                           size_t len, uint64_t now_ns, size_t *ret_used);
/* The same of all that *bytes holds, which is consumed. A long message at its end keeps the memory, so its
 * payload is not copied; then *bytes is left without any. */
__attribute__((warn_unused_result)) int mqtt_session_take_input(struct mqtt_session *s, struct buffer *bytes,
                                                                uint64_t now_ns);
/* Time has come: keep-alive, connect timeout. 0 or -EPROTO as above. */
__attribute__((warn_unused_result)) int mqtt_session_tick(struct mqtt_session *s, uint64_t now_ns);
/* PINGREQ is due an answer. mqtt_session_ping_waits: it has not left yet, being behind bytes that do; the
 * time for its answer begins anew. */
bool mqtt_session_is_pinging(const struct mqtt_session *s);
void mqtt_session_ping_waits(struct mqtt_session *s, uint64_t now_ns);
/* The moment of the next tick, or CLOCK_NEVER. Changes with every call on the session. */
uint64_t mqtt_session_deadline(const struct mqtt_session *s);
/* The byte stream is gone, whatever the reason. Unsent output is dropped. */
void mqtt_session_lost(struct mqtt_session *s, uint64_t now_ns);
/* What is to be sent; the shell consumes it. The session is told of the time of writes by the next call. */
struct buffer *mqtt_session_output(struct mqtt_session *s);
/* Why the last connection ended, or is about to; `text` is for people, borrowed until the next call. */
enum mqtt_cause mqtt_session_cause(const struct mqtt_session *s, const char **ret_text);
/* What of ours the broker may have closed the connection for, as the rest of a sentence: " after it refused a
 * publish to a/b: Not authorized (0x87)"; "" when nothing points to it. Call before mqtt_session_lost. */
void mqtt_session_suspect(const struct mqtt_session *s, char *ret_text, size_t size);
enum mqtt_state mqtt_session_state(const struct mqtt_session *s);
/* The version that the connection uses or will try next. */
enum mqtt_protocol mqtt_session_protocol(const struct mqtt_session *s);
/* The broker closed the stream, in good order and without a word since CONNECT; to be called before
 * mqtt_session_lost. Some brokers say in this way that they do not speak MQTT 5. True: with MQTT_AUTO it is
 * taken for that, the cause is MQTT_CAUSE_VERSION, and 3.1.1 is next. Not so at the first time, which is
 * tried again; nor when the broker is known to speak 5: then it is the network's, or a proxy's. Was 3.1.1
 * taken, the next connection begins with 5 all the same: only a broker that refused 5 in words is believed
 * for good. */
bool mqtt_session_hung_up(struct mqtt_session *s);
/* What this session knows of the broker, for others to go on from; before the first connection, or at any
 * later time. With a fixed version it is without effect. */
enum mqtt_belief mqtt_session_belief(const struct mqtt_session *s);
void mqtt_session_believe(struct mqtt_session *s, enum mqtt_belief belief);

/* ---- the user's side ---- */

/* The filters wanted from now on (copied). Online: subscribes to those that are new or changed, unsubscribes
 * from those that are gone; offline: remembered. `known`: filters that an earlier process left at the broker;
 * those no longer wanted are unsubscribed after a resume. On a resumed session MQTT 5 subscribes once in each
 * process's life (Retain Handling keeps that harmless); 3.1.1 only to filters that are not in `known`.
 * -EINVAL: more than MQTT_FILTERS_MAX; -ENOMEM. */
__attribute__((warn_unused_result)) int mqtt_session_subscribe(struct mqtt_session *s,
                                                               const struct mqtt_filter *filters,
                                                               size_t count, const struct slice *known,
                                                               size_t known_count);
/* 0, -ENOMEM, -EINVAL (no topic name, strings not UTF-8 or too long). token goes to events.published. */
__attribute__((warn_unused_result)) int mqtt_session_publish(struct mqtt_session *s,
                                                             const struct mqtt_publish *publish, void *token);
/* The message's work is safe (or it is QoS 0): acknowledge it when its turn comes, then free it. */
void mqtt_session_release(struct mqtt_session *s, struct mqtt_message *message);
/* Polite end: DISCONNECT, after all acks that may leave have left. end_session: the broker is to forget the
 * session (expiry 0; in 3.1.1 the caller connects once more with clean_start). Afterwards the state is
 * MQTT_CLOSED. */
void mqtt_session_disconnect(struct mqtt_session *s, bool end_session);

/* For status and tests. */
struct mqtt_session_counts {
    uint64_t received, delivered, recognised, acked, sent, published, refused;
    uint64_t expired;     /* publishes that waited too long to be sent at all */
    uint64_t answered;    /* QoS 1/2 publishes that ended with the broker's answer, whatever it was */
    uint32_t window;      /* messages in the ack window of this connection */
    uint32_t orphans;     /* of earlier connections, still being worked on or done and not acknowledged */
    uint32_t outstanding; /* QoS 1/2 publishes not yet acknowledged, waiting ones included */
    uint32_t overflow;    /* messages taken beyond our Receive Maximum: the broker broke it */
};
void mqtt_session_counts(const struct mqtt_session *s, struct mqtt_session_counts *ret_counts);

#endif

/* client.h: an MQTT session on a libuv loop: name look-up, TCP, TLS, WebSocket, reconnects, timers,
 * batched reads and writes.
 *
 * In the dispatcher, on its loop thread. A thin shell: all that MQTT means is in session.c. One read buffer
 * of 64 KiB is shared by all clients of a loop (struct mqtt_io); a client has bytes of its own only while a
 * packet is incomplete, and keeps at most 2 KiB for the next. Everything a loop turn queues leaves in one
 * write. All callbacks come from the loop, never from inside a call of this header. */
#ifndef HARK_MQTT_CLIENT_H
#define HARK_MQTT_CLIENT_H

#include "mqtt/session.h"
#include "mqtt/tls.h"
#include "mqtt/url.h"

#include <uv.h>

/* What the clients of one loop share: the read buffer and the handle that flushes at the end of a turn.
 * Unless the process handles SIGPIPE already, it is ignored from now on. */
struct mqtt_io;
struct mqtt_io *mqtt_io_create(uv_loop_t *loop); /* NULL: out of memory */
/* Asynchronous; all clients are closed already. May be called from a client's on_closed. */
void mqtt_io_close(struct mqtt_io *io);

struct mqtt_client;

struct mqtt_client_events {
    /* The state changed. text says why in words ("cannot reach 127.0.0.1:1883: connection refused", "bad user
     * name or password (0x86)"), "" unless OFFLINE; cause decides its weight; retry_ns: time to the next
     * attempt when OFFLINE. Called once per change: CONNECTING, then ONLINE or OFFLINE, for each attempt; not
     * for each address that is tried. */
    void (*state)(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause, const char *text,
                  uint64_t retry_ns);
    void (*message)(void *user, struct mqtt_message *message);
    void (*published)(void *user, void *token, unsigned reason);
    void (*subscribed)(void *user, size_t index, unsigned reason);
    /* After mqtt_client_close: nothing is called after it; the client is freed when it returns. */
    void (*closed)(void *user);
};

struct mqtt_client_options {
    struct mqtt_session_options session; /* without user name or password: those of the URL, if any */
    struct mqtt_url broker;              /* copied */
    struct tls_context *tls;             /* of the broker: there if broker.is_tls, else NULL; held */
    uint64_t
        backoff_min_ns; /* first reconnect delay; 0: 250 ms. Doubles, full jitter between half and whole */
    uint64_t backoff_max_ns;     /* 0: 30 s */
    uint64_t refused_backoff_ns; /* after MQTT_CAUSE_REFUSED and TAKEN_OVER; 0: 60 s */
    uint64_t stable_ns; /* a connection that was ONLINE that long resets the backoff, as does one that
                         * got something done: a publish answered, a message acknowledged. 0: 10 s */
    uint64_t address_timeout_ns; /* of one TCP connect; of the TLS handshake; of the WebSocket's. 0: 10 s */
    uint64_t random_seed;        /* of the jitter */
};

/* NULL: out of memory. Starts to connect at once, in the loop's next turn. */
struct mqtt_client *mqtt_client_create(struct mqtt_io *io, const struct mqtt_client_options *options,
                                       const struct mqtt_client_events *events, void *user);

/* As mqtt_session_subscribe, _publish, _release, _counts. Messages may be released until events.closed. */
__attribute__((warn_unused_result)) int mqtt_client_subscribe(struct mqtt_client *c,
                                                              const struct mqtt_filter *filters, size_t count,
                                                              const struct slice *known, size_t known_count);
__attribute__((warn_unused_result)) int mqtt_client_publish(struct mqtt_client *c,
                                                            const struct mqtt_publish *publish, void *token);
void mqtt_client_release(struct mqtt_client *c, struct mqtt_message *message);
void mqtt_client_counts(const struct mqtt_client *c, struct mqtt_session_counts *ret_counts);
enum mqtt_state mqtt_client_state(const struct mqtt_client *c);
/* Of the connection, or the one that will be tried next. */
enum mqtt_protocol mqtt_client_protocol(const struct mqtt_client *c);
/* As mqtt_session_belief and _believe. */
enum mqtt_belief mqtt_client_belief(const struct mqtt_client *c);
void mqtt_client_believe(struct mqtt_client *c, enum mqtt_belief belief);
/* "plain", or version, cipher and whether the TLS session was resumed, of the connection that is online; and
 * whether it is a WebSocket. */
const char *mqtt_client_security(const struct mqtt_client *c, char *buffer, size_t size);

/* Asynchronous: acks that may leave and DISCONNECT are written (for at most 1 s), then events.closed, and
 * nothing else is called from now on; messages that still come stay unacknowledged. Call once; afterwards
 * subscribe and publish return -ESHUTDOWN. end_session: the broker forgets the session; an attempt to connect
 * that is under way goes on for that (for at most 1 s); in 3.1.1 it takes one more connection with Clean
 * Session 1 (at most 1 s more), which is made here. While the broker cannot be reached nothing is tried. */
void mqtt_client_close(struct mqtt_client *c, bool end_session);

#endif

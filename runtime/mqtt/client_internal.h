/* client_internal.h: what the files of the client share; nobody else includes it.
 *
 *   client.c          create, the user's calls, the timer, what the user is told
 *   client_connect.c  name look-up, addresses, TCP connect, backing off
 *   client_stream.c   bytes in, bytes out, the orderly end of a connection
 *   client_patience.c   acknowledgements that wait for the next message
 *   client_tls.c      the same through TLS
 *   client_web.c      the same through WebSocket, with or without TLS below it
 *   client_close.c    leaving for good
 *   io.c              what the clients of a loop share: the read buffer, the end of a turn
 *   io_pulse.c        and the clock of those that are patient
 *
 * A call of the user never calls back: it leaves a mark and the work is done in the loop (client_turn). So a
 * callback may call anything, mqtt_client_close on its own client included; memory is only given back in
 * libuv's close callbacks. */
#ifndef HARK_MQTT_CLIENT_INTERNAL_H
#define HARK_MQTT_CLIENT_INTERNAL_H

#include "mqtt/client.h"
#include "mqtt/patience.h"
#include "mqtt/ws_frame.h"
#include "mqtt/ws_handshake.h"
#include "shared/expected.h"

#include <sys/queue.h>

enum {
    READ_BYTES = 64 * 1024,
    ADDRESSES_MAX = 16, /* of one name that are tried */
    TEXT_MAX = 512,
    SUSPECT_MAX = 256,
    RANDOM_BYTES = 256 /* as much as getrandom(2) gives in one piece */
};

/* A connection's WebSocket. */
struct web {
    struct ws_reader in;
    struct buffer out;    /* frames, or the request, on their way to TLS or TCP */
    struct buffer answer; /* to the request, while it is not complete */
    char key[WS_KEY_SIZE];
    bool said_close; /* our close frame is in `out`, or beyond */
    unsigned code;   /* for it; 0: WS_CODE_NORMAL */
};

/* One attempt's TCP handle. Separate from the client, because libuv gives it back later than the client may
 * want the next one. link->client stays valid: the client waits for its links. */
struct link {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct mqtt_client *client;
    struct tls *tls;       /* NULL: plain */
    struct web *web;       /* NULL: no WebSocket */
    struct buffer sending; /* bytes of the write under way: they must not move */
    size_t in_flight;      /* of them in this uv_write; 0: no write under way */
    uint64_t acked;        /* bytes that the broker's TCP had acknowledged at the last tick */
    uint64_t ping_end;     /* as many, once PINGREQ is among them; 0: it has not been handed to TCP */
    struct patience patience;
    uint64_t answered; /* publishes, when a message came last */
    bool shut;
    int write_error; /* 0, or writing is over; what the broker said before is still read */
};

/* A name look-up cannot be stopped once a thread has it, so it may outlive its client. */
struct lookup {
    uv_getaddrinfo_t request;
    struct mqtt_client *client; /* NULL: nobody waits for it any more */
};

struct addresses {
    size_t count, next;
    struct sockaddr_storage items[ADDRESSES_MAX];
};

/* As in mqtt_client_options, defaults filled in. */
struct client_timing {
    uint64_t backoff_min_ns, backoff_max_ns, refused_backoff_ns, stable_ns, address_timeout_ns;
};

enum client_phase {
    CLIENT_WAITING,   /* for the next attempt, until due_ns */
    CLIENT_RESOLVING, /* lookup */
    CLIENT_DIALLING,  /* link connects, until due_ns */
    CLIENT_SECURING,  /* TLS handshake, until due_ns */
    CLIENT_UPGRADING, /* WebSocket handshake, until due_ns */
    CLIENT_OPEN,      /* the session speaks; its deadline counts */
    CLIENT_ENDING,    /* the last bytes leave and the broker's EOF is awaited, until due_ns */
    CLIENT_GONE       /* waits for libuv to give back the handles */
};

struct mqtt_client {
    struct mqtt_io *io;
    struct mqtt_client_events events;
    void *user;
    struct mqtt_session_options session_options; /* strings owned */
    struct client_timing timing;
    char *host;     /* owned */
    char *endpoint; /* owned; host and port for people */
    uint16_t port;
    struct tls_context *tls; /* one reference; NULL: plain */
    char *target;            /* owned; path and query of the WebSocket; NULL: none */

    struct mqtt_session *session;
    struct mqtt_session *farewell; /* 3.1.1: the clean session that makes the broker forget; else NULL */

    enum client_phase phase;
    enum mqtt_state state; /* as last told */
    enum mqtt_cause cause; /* why the connection ends: set with the phase ENDING */
    char why[TEXT_MAX];    /* the same in words */
    uint64_t due_ns;       /* see enum client_phase */
    uint64_t close_by_ns;  /* CLOCK_NEVER unless closing */
    uint64_t armed_ns;     /* when the timer fires; CLOCK_NEVER: not armed */
    uint64_t online_ns;    /* since when; 0: not online */
    uint64_t random;       /* state of the jitter */
    uint64_t done;         /* client_done when the connection came online */
    unsigned failures;     /* in a row, for the backoff */
    bool hastened;         /* the attempt came without delay: not twice in a row */
    bool closing;          /* mqtt_client_close was called: the user hears `closed` and nothing else */
    bool end_session;
    bool marked;       /* in io's list */
    bool is_fed;       /* by what was read: what leaves for that is decided behind it */
    bool has_spoken;   /* since then: not only acknowledgements are to leave */
    uint32_t messages; /* that were in it */
    int error;         /* of the last address tried */

    struct lookup *lookup;
    struct addresses *addresses;  /* while dialling */
    struct sockaddr_storage peer; /* of the last connection */
    struct link *link;            /* the current attempt or connection */
    struct buffer partial;        /* the beginning of a packet that is not complete */
    struct expected expected;     /* packet */
    uv_timer_t timer;
    unsigned handles; /* timer and links that libuv has not given back */
    TAILQ_ENTRY(mqtt_client) entry, patient_entry;
    bool is_patient; /* in io's list of those */
};

TAILQ_HEAD(client_list, mqtt_client);

struct mqtt_io {
    uv_loop_t *loop;
    uv_idle_t turn;
    struct client_list marked;  /* clients with something to do at the end of the turn */
    struct client_list patient; /* clients whose acknowledgements wait */
    uv_poll_t pulse;            /* of pulse_fd, while that is there */
    int pulse_fd;               /* timerfd_create(2); -1: nobody was patient yet */
    unsigned handles;           /* that libuv has not given back */
    uint8_t read_buffer[READ_BYTES];
    uint8_t sealed_buffer[READ_BYTES]; /* what TLS reads from */
    uint8_t random[RANDOM_BYTES];      /* masks of WebSocket frames to come */
    size_t random_left;
};

static inline struct mqtt_session *client_session(const struct mqtt_client *c)
{
    return c->farewell ? c->farewell : c->session;
}

/* io.c */
void io_mark(struct mqtt_client *c); /* client_turn will be called, once, before the loop waits again */
void io_unmark(struct mqtt_client *c);

/* io_pulse.c */
/* patience_look will be called every PATIENCE_LOOK_NS, until io_impatient. 0, or a negative errno. */
__attribute__((warn_unused_result)) int io_patient(struct mqtt_client *c);
void io_impatient(struct mqtt_client *c);
void io_close_pulse(struct mqtt_io *io, uv_close_cb on_closed);

/* client.c */
void client_turn(struct mqtt_client *c);
uint64_t client_done(const struct mqtt_client *c); /* publishes answered, messages acknowledged */
void client_arm_timer(struct mqtt_client *c);      /* after whatever may have brought the deadline forward */
void client_report(struct mqtt_client *c, enum mqtt_state state, bool resumed, enum mqtt_cause cause,
                   const char *text, uint64_t retry_ns);
/* An attempt or a connection is over, for cause and why: backs off, or goes on closing. */
void client_attempt_over(struct mqtt_client *c);
__attribute__((format(printf, 3, 4))) void client_set_why(struct mqtt_client *c, enum mqtt_cause cause,
                                                          const char *format, ...);

/* client_connect.c */
void connect_start(struct mqtt_client *c);
void connect_to_peer(struct mqtt_client *c); /* c->peer again, no other address */
void connect_address_late(struct mqtt_client *c);
void connect_back_off(struct mqtt_client *c);
void connect_forget(struct mqtt_client *c); /* look-up and addresses */
const char *connect_words(int error);
void connect_failed(struct mqtt_client *c); /* an attempt that has its link, for cause and why */

/* client_stream.c */
__attribute__((warn_unused_result)) struct link *stream_create_link(struct mqtt_client *c);
void stream_drop_link(struct mqtt_client *c);
__attribute__((warn_unused_result)) int stream_read(struct mqtt_client *c); /* from now on; not below TLS */
void stream_open(struct mqtt_client *c);
void stream_flush(struct mqtt_client *c);
void stream_end(struct mqtt_client *c);  /* send what is left, then it is over */
void stream_over(struct mqtt_client *c); /* now */
void stream_tick(struct mqtt_client *c, uint64_t now_ns);
void stream_lost(struct mqtt_client *c, int error); /* the connection broke */
/* The broker has closed: what may be behind it, in words that end such a line, and as a cause. in_order: not
 * by a reset or a cut. Once a connection. */
enum mqtt_cause stream_suspect(struct mqtt_client *c, bool in_order, char *ret_text, size_t size);
void stream_write_failed(struct mqtt_client *c, int error);
/* Where the next plain bytes go; stream_took says how many have. room.len == 0: out of memory. */
uv_buf_t stream_room(struct mqtt_client *c);
bool stream_took(struct mqtt_client *c, size_t len); /* false: the connection is over, or ending */
__attribute__((warn_unused_result)) int stream_send(struct link *link, struct buffer *out);
/* As mqtt_session_events.send; nothing leaves while a write is under way, or through TLS or WebSocket. */
size_t stream_send_in_place(struct mqtt_client *c, struct buffer *out, struct slice bytes);
bool stream_has_more(struct mqtt_client *c); /* the session has output, and its connection is there */

/* client_patience.c */
/* len bytes were read, and have been dealt with. True: what they let out may wait. */
__attribute__((warn_unused_result)) bool patience_took(struct mqtt_client *c, size_t len);
void patience_look(struct mqtt_client *c, uint64_t now_ns); /* has it waited for too long? */

/* client_tls.c */
void secure_start(struct mqtt_client *c);
void secure_late(struct mqtt_client *c);
void secure_lost(struct mqtt_client *c, int error); /* while SECURING */
__attribute__((warn_unused_result)) int secure_send(
    struct mqtt_client *c); /* seals what there is, sends it */
/* Writes that we send no more; 0, or an error of libuv's. */
__attribute__((warn_unused_result)) int secure_end(struct mqtt_client *c);

/* client_web.c. Between the session and TLS or TCP. */
void web_start(struct mqtt_client *c);
void web_late(struct mqtt_client *c);
void web_lost(struct mqtt_client *c, int error); /* while UPGRADING */
void web_destroy(struct web *web);
/* What came in is at data, where stream_room said, and is changed. False: the connection is over. */
bool web_took(struct mqtt_client *c, uint8_t *data, size_t len);
/* The next frames into web->out, if that is empty; while ENDING, our close frame behind all else. 0, or an
 * error of libuv's. */
__attribute__((warn_unused_result)) int web_wrap(struct mqtt_client *c);
__attribute__((warn_unused_result)) int web_send(struct mqtt_client *c); /* wraps what there is, sends it */
/* There is no more to send, and the broker has said that there is no more to come. */
bool web_is_over(const struct mqtt_client *c);

/* client_close.c */
void close_step(struct mqtt_client *c);            /* while closing: does what comes next */
void close_after_attempt(struct mqtt_client *c);   /* while closing: a connection or an attempt is over */
void close_handle_returned(struct mqtt_client *c); /* frees the client with its last handle */
void close_free(struct mqtt_client *c);

#endif

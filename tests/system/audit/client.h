/* client.h: an MQTT 5 connection of the auditor's own, so that no library stands between it and what it
 * counts.
 *
 * One thread. The session is kept by the broker (Clean Start 0) and what is unacknowledged by the caller. A
 * broker that is away, or breaks the connection, is an ordinary end: client_is_open() says so. A broker that
 * sends what it must not ends the program. */
#ifndef TESTS_SYSTEM_AUDIT_CLIENT_H
#define TESTS_SYSTEM_AUDIT_CLIENT_H

#include "audit/packet.h"

struct outgoing {
    const char *topic;
    const void *payload;
    size_t payload_len;
    uint8_t qos;
    bool is_again; /* DUP */
    uint16_t id;
};

struct client {
    uint16_t port;
    const char *id; /* borrowed */
    int fd;         /* -1: closed */
    bool session_present;
    uint16_t receive_maximum; /* the broker's */
    struct buffer in, out;
};

/* Not connected yet. */
void client_init(struct client *c, uint16_t port, const char *id);
void client_finish(struct client *c);

/* Connects and waits for the CONNACK; false: the broker is not there. */
bool client_open(struct client *c);
bool client_is_open(const struct client *c);
void client_break(struct client *c); /* closes without a word */

/* Queued until client_turn. */
void client_subscribe(struct client *c, const char *filter, uint8_t qos, uint16_t id);
void client_publish(struct client *c, const struct outgoing *o);
void client_answer(struct client *c, enum packet_type type, uint16_t id);

/* Writes what is queued and waits for bytes, or for at most `within_ms`. Another descriptor, or -1, also ends
 * the wait. */
void client_turn(struct client *c, int other_fd, int within_ms);

/* Takes one packet of what came; false: there is none. */
bool client_next(struct client *c, struct packet *ret_packet);

#endif

/* fake_broker.h: a TCP server that answers packets with the bytes of a script: what no honest broker sends.
 *
 * Every connection gets the script from its start. A step waits for a packet of a type and then sends its
 * bytes; after the last step the server only listens, until the client closes. Not so hark's visits
 * (presence.h): they are turned away and not counted. A thread of its own. */
#ifndef TESTS_SUPPORT_FAKE_BROKER_H
#define TESTS_SUPPORT_FAKE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PACKET_CONNECT = 1,
    PACKET_PUBLISH = 3,
    PACKET_SUBSCRIBE = 8,
    FAKE_STEPS_MAX = 4,
    FAKE_BYTES_MAX = 64
};

struct fake_step {
    int await; /* packet type */
    size_t len;
    uint8_t bytes[FAKE_BYTES_MAX];
    bool copies_id; /* bytes 2 and 3 become the packet identifier of the SUBSCRIBE that came */
};

struct fake_broker;

/* `steps` ends with one whose await is 0; copied. Lives until the end of the test. */
struct fake_broker *fake_broker_start(const struct fake_step *steps);
const char *fake_broker_url(const struct fake_broker *b);

/* Waits until the client has closed `count` connections; false: the deadline came first. */
bool fake_broker_closed(struct fake_broker *b, size_t count, int within_ms);

/* Waits for the `count`th connection; false: the deadline came first. */
bool fake_broker_connected(struct fake_broker *b, size_t count, int within_ms);

/* Waits for the first PUBLISH, and copies at most `size` bytes of what is behind its fixed header. How many;
 * 0: the deadline came first. */
size_t fake_broker_published(struct fake_broker *b, void *ret_bytes, size_t size, int within_ms);

/* The reason code of the last DISCONNECT that came in; -1: none came. */
int fake_broker_disconnect_reason(struct fake_broker *b);

#endif

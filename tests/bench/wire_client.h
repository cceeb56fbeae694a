/* wire_client.h: an MQTT 3.1.1 connection with as little in it as possible, so that the load generator takes
 * as little as possible of the machine that it measures on.
 *
 * One thread. It talks to a broker of the benchmark's own, so anything unexpected ends the program with one
 * line on standard error. */
#ifndef TESTS_BENCH_WIRE_CLIENT_H
#define TESTS_BENCH_WIRE_CLIENT_H

#include "shared/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct wire_client {
    int fd;
    struct buffer in, out;
    uint16_t last_id;
};

/* A message that came. Borrowed until the next call. */
struct wire_message {
    const uint8_t *payload;
    size_t payload_len;
};

/* Connected and subscribed to filter at QoS 1 when it returns; the socket does not block from then on. */
void wire_client_open(struct wire_client *c, uint16_t port, const char *id, const char *filter);

/* Queues one message at QoS 0 or 1. Packet ids go round: at most 65,535 may be under way. */
void wire_client_publish(struct wire_client *c, const char *topic, uint8_t qos, const void *payload,
                         size_t len);

/* Writes what is queued, as far as the socket takes it; true: all of it. */
bool wire_client_flush(struct wire_client *c);

/* Reads what there is. */
void wire_client_receive(struct wire_client *c);

/* Takes one message from what was read, queueing its acknowledgement; false: there is none. */
bool wire_client_take(struct wire_client *c, struct wire_message *ret_message);

void wire_client_close(struct wire_client *c);

#endif

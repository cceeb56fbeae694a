/* packet.h: what the auditor reads of MQTT 5, with a decoder of its own, so that nothing of hark's stands
 * between it and what it counts. Pure. A broker or a hark that sends no packets ends the program. */
#ifndef TESTS_SYSTEM_AUDIT_PACKET_H
#define TESTS_SYSTEM_AUDIT_PACKET_H

#include "shared/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum packet_type {
    CONNECT = 1,
    CONNACK = 2,
    PUBLISH = 3,
    PUBACK = 4,
    PUBREC = 5,
    PUBREL = 6,
    PUBCOMP = 7,
    SUBACK = 9,
    DISCONNECT = 14
};

/* A packet that came. Its slices are borrowed until the next append to its buffer. */
struct packet {
    enum packet_type type; /* or another one, of which nothing more is read */
    uint16_t id;           /* 0: none */
    uint8_t level;         /* CONNECT: 5, or 4 for MQTT 3.1.1 */
    uint8_t reason;        /* CONNACK, SUBACK, acknowledgements */
    bool session_present;  /* CONNACK */
    bool is_again;         /* PUBLISH: DUP */
    uint8_t qos;           /* PUBLISH, as topic and payload */
    struct slice topic, payload;
    struct slice properties; /* PUBLISH and CONNACK */
};

/* Takes one packet; false: there is none that is whole. */
bool packet_take(struct buffer *from, struct packet *ret_packet);

/* The value of a user property, or an empty slice. */
struct slice packet_property(const struct packet *p, const char *key);

/* The value of a property of two bytes; false: it is not there. */
bool packet_number(const struct packet *p, unsigned property, unsigned *ret_value);

#endif

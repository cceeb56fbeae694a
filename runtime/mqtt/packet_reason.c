#include "mqtt/packet_read.h"

/* Section 2.4. Where the standard has several words for one code, the one a server's answer means. */
static const char *const names[] = {
    [0x00] = "Success",
    [0x01] = "Granted QoS 1",
    [0x02] = "Granted QoS 2",
    [0x04] = "Disconnect with Will Message",
    [0x10] = "No matching subscribers",
    [0x11] = "No subscription existed",
    [0x18] = "Continue authentication",
    [0x19] = "Re-authenticate",
    [0x80] = "Unspecified error",
    [0x81] = "Malformed Packet",
    [0x82] = "Protocol Error",
    [0x83] = "Implementation specific error",
    [0x84] = "Unsupported Protocol Version",
    [0x85] = "Client Identifier not valid",
    [0x86] = "Bad User Name or Password",
    [0x87] = "Not authorized",
    [0x88] = "Server unavailable",
    [0x89] = "Server busy",
    [0x8a] = "Banned",
    [0x8b] = "Server shutting down",
    [0x8c] = "Bad authentication method",
    [0x8d] = "Keep Alive timeout",
    [0x8e] = "Session taken over",
    [0x8f] = "Topic Filter invalid",
    [0x90] = "Topic Name invalid",
    [0x91] = "Packet Identifier in use",
    [0x92] = "Packet Identifier not found",
    [0x93] = "Receive Maximum exceeded",
    [0x94] = "Topic Alias invalid",
    [0x95] = "Packet too large",
    [0x96] = "Message rate too high",
    [0x97] = "Quota exceeded",
    [0x98] = "Administrative action",
    [0x99] = "Payload format invalid",
    [0x9a] = "Retain not supported",
    [0x9b] = "QoS not supported",
    [0x9c] = "Use another server",
    [0x9d] = "Server moved",
    [0x9e] = "Shared Subscriptions not supported",
    [0x9f] = "Connection rate exceeded",
    [0xa0] = "Maximum connect time",
    [0xa1] = "Subscription Identifiers not supported",
    [0xa2] = "Wildcard Subscriptions not supported",
};

const char *packet_reason_name(uint8_t reason)
{
    const char *name = reason < sizeof names / sizeof *names ? names[reason] : NULL;
    return name ? name : "Unknown reason";
}

const char *packet_type_name(enum packet_type type)
{
    static const char *const types[] = {
        "reserved packet", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
        "PUBREL",          "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
        "PINGREQ",         "PINGRESP", "DISCONNECT", "AUTH",
    };
    return (unsigned)type < sizeof types / sizeof *types ? types[type] : types[0];
}

uint8_t packet_reason_of_return_code(uint8_t code)
{
    static const uint8_t reasons[] = {
        PACKET_SUCCESS,
        PACKET_UNSUPPORTED_VERSION,
        PACKET_CLIENT_ID_NOT_VALID,
        PACKET_SERVER_UNAVAILABLE,
        PACKET_BAD_USERNAME_OR_PASSWORD,
        PACKET_NOT_AUTHORIZED,
    };
    return code < sizeof reasons ? reasons[code] : PACKET_UNSPECIFIED_ERROR;
}

/* Reason codes are 0x00..0x3f or 0x80..0xbf: two words of bits. */
struct codes {
    uint64_t good;
    uint64_t bad;
};

#define CODE(reason)       (1ull << ((reason)&0x3f))
#define CODES(first, last) ((2ull << ((last)&0x3f)) - CODE(first))

#define OF_PUBACK                                                                                            \
    {                                                                                                        \
        CODE(0x00) | CODE(0x10),                                                                             \
            CODE(0x80) | CODE(0x83) | CODE(0x87) | CODES(0x90, 0x91) | CODE(0x97) | CODE(0x99)               \
    }
#define OF_PUBREL                                                                                            \
    {                                                                                                        \
        CODE(0x00), CODE(0x92)                                                                               \
    }

static const struct codes defined[16] = {
    [PACKET_CONNACK] = {CODE(0x00), CODES(0x80, 0x8a) | CODE(0x8c) | CODE(0x90) | CODE(0x95) | CODE(0x97) |
                                        CODES(0x99, 0x9d) | CODE(0x9f)},
    [PACKET_PUBACK] = OF_PUBACK,
    [PACKET_PUBREC] = OF_PUBACK,
    [PACKET_PUBREL] = OF_PUBREL,
    [PACKET_PUBCOMP] = OF_PUBREL,
    [PACKET_SUBACK] = {CODES(0x00, 0x02), CODE(0x80) | CODE(0x83) | CODE(0x87) | CODE(0x8f) | CODE(0x91) |
                                              CODE(0x97) | CODE(0x9e) | CODES(0xa1, 0xa2)},
    [PACKET_UNSUBACK] = {CODE(0x00) | CODE(0x11),
                         CODE(0x80) | CODE(0x83) | CODE(0x87) | CODE(0x8f) | CODE(0x91)},
    /* 0x04 is for clients only (3.14.2.1) */
    [PACKET_DISCONNECT] = {CODE(0x00), CODES(0x80, 0x83) | CODE(0x87) | CODE(0x89) | CODE(0x8b) |
                                           CODES(0x8d, 0x90) | CODES(0x93, 0xa2)},
    /* 0x19 is for clients only (3.15.2.1) */
    [PACKET_AUTH] = {CODE(0x00) | CODE(0x18), 0},
};

bool packet_reason_defined(enum packet_type type, uint8_t reason)
{
    if (reason & 0x40)
        return false;
    uint64_t codes = reason & 0x80 ? defined[type].bad : defined[type].good;
    return (codes & CODE(reason)) != 0;
}

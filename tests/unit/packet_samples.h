/* packet_samples.h: packets that a server may send, one of each shape, for tests that go through them all. */
#ifndef TESTS_UNIT_PACKET_SAMPLES_H
#define TESTS_UNIT_PACKET_SAMPLES_H

#include "../support/test.h"
#include "mqtt/packet.h"

#include <stdlib.h>

#define BYTES_INIT(text)                                                                                     \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }
#define BYTES(text) ((struct slice)BYTES_INIT(text))

/* QoS 1, topic t, id 1, every property, payload "!" */
#define FULL_PUBLISH_BYTES                                                                                   \
    "\x32\x36\0\1t\0\1\x2f"                                                                                  \
    "\1\1\2\0\0\1\2\x23\0\7\3\0\4text\x08\0\3r/t\x09\0\1c\x0b\1\x0b\xff\xff\xff\x7f\x26\0\1k\0\1v\x26\0\1"   \
    "k\0\0!"
#define FULL_PUBLISH BYTES(FULL_PUBLISH_BYTES)

/* every property */
#define FULL_CONNACK_BYTES                                                                                   \
    "\x20\x45\1\0\x42\x11\xff\xff\xff\xff\x21\0\x14\x24\1\x25\0\x27\0\1\0\0\x12\0\2me\x22\0\x0a\x1f\0\2hi"   \
    "\x26\0\1k\0\1v\x28\0\x29\0\x2a\0\x13\0\x1e\x1a\0\2ri\x1c\0\2sr\x15\0\2am\x16\0\2ad"
#define FULL_CONNACK BYTES(FULL_CONNACK_BYTES)

struct sample {
    enum mqtt_protocol protocol;
    struct slice bytes;
};

static const struct sample samples[] = {
    {MQTT_5, BYTES_INIT("\x20\3\0\0\0")},
    {MQTT_5, BYTES_INIT(FULL_CONNACK_BYTES)},
    {MQTT_5, BYTES_INIT("\x20\2\0\1")},
    {MQTT_5, BYTES_INIT("\x30\4\0\1a\0")},
    {MQTT_5, BYTES_INIT("\x3a\6\0\1a\0\1\0")},
    {MQTT_5, BYTES_INIT(FULL_PUBLISH_BYTES)},
    {MQTT_5, BYTES_INIT("\x40\2\0\1")},
    {MQTT_5, BYTES_INIT("\x50\3\0\1\x10")},
    {MQTT_5, BYTES_INIT("\x62\4\0\1\0\0")},
    {MQTT_5, BYTES_INIT("\x70\x0b\0\1\x92\7\x1f\0\4gone")},
    {MQTT_5, BYTES_INIT("\x90\6\0\1\0\0\1\2")},
    {MQTT_5, BYTES_INIT("\xb0\x0b\0\1\7\x26\0\1k\0\1v\x11")},
    {MQTT_5, BYTES_INIT("\xd0\0")},
    {MQTT_5, BYTES_INIT("\xe0\0")},
    {MQTT_5, BYTES_INIT("\xe0\1\x8b")},
    {MQTT_5, BYTES_INIT("\xe0\7\x9c\5\x1c\0\2sr")},
    {MQTT_5, BYTES_INIT("\xf0\6\x18\4\x15\0\1m")},
    {MQTT_3_1_1, BYTES_INIT("\x20\2\1\0")},
    {MQTT_3_1_1, BYTES_INIT("\x33\6\0\1a\0\1x")},
    {MQTT_3_1_1, BYTES_INIT("\x40\2\0\1")},
    {MQTT_3_1_1, BYTES_INIT("\x50\2\0\1")},
    {MQTT_3_1_1, BYTES_INIT("\x62\2\0\1")},
    {MQTT_3_1_1, BYTES_INIT("\x70\2\0\1")},
    {MQTT_3_1_1, BYTES_INIT("\x90\4\0\1\x80\0")},
    {MQTT_3_1_1, BYTES_INIT("\xb0\2\0\1")},
    {MQTT_3_1_1, BYTES_INIT("\xd0\0")},
};

enum { SAMPLE_COUNT = sizeof samples / sizeof *samples };

/* On the heap, exactly as long as asked for, so that a sanitizer sees one byte too many. free() it. */
static inline uint8_t *sample_copy(struct slice bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, len < bytes.len ? len : bytes.len);
    return copy;
}

#endif

/* message_parse.h: a message from a line of text: an object of JSON as message_json.h writes it, or
 * `[topic] payload`. The reverse of message_json.h, so that what one command prints another one takes.
 *
 * Keys of the object: `topic`, or `timer` for a tick; `payload` (text), `payload_base64`, or `payload_json`
 * (any value, taken as its compact text); `qos` (1), `retained` (false), `content_type`, `response_topic`,
 * `correlation`, `correlation_base64`, `properties` ([{"key": K, "value": V}, ...]), `expiry_s`; and `time`,
 * when a recording was made, which is not part of the message. */
#ifndef HARK_CLI_MESSAGE_PARSE_H
#define HARK_CLI_MESSAGE_PARSE_H

#include "mqtt/mqtt.h"
#include "shared/buffer.h"
#include "shared/diag.h"

#include <jansson.h>

struct parsed_message {
    struct mqtt_message mqtt; /* borrowed from what is below, and from the line */
    struct property properties[MQTT_USER_PROPERTIES_MAX];
    const char *timer; /* the tick's; NULL: a message */
    const char *time;  /* RFC 3339; NULL: not given */
    json_t *json;
    struct buffer payload, correlation; /* what is not as it stands in the line */
};

/* 0, or -EINVAL with words in *diag (no file). *ret points into itself: it must not be moved. Topics, texts
 * and numbers are as MQTT allows them. */
__attribute__((warn_unused_result)) int message_parse(struct slice line, struct parsed_message *ret,
                                                      struct diag *diag);
void message_parse_finish(struct parsed_message *m);

#endif

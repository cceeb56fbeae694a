/* message_json.h: a message as people's scripts read it: text as text, other bytes as base64 under
 * `payload_base64` and `correlation_base64`, what is absent left out. */
#ifndef HARK_CLI_MESSAGE_JSON_H
#define HARK_CLI_MESSAGE_JSON_H

#include "mqtt/mqtt.h"

#include <jansson.h>
#include <stdio.h>

/* A message that came, as one to publish: retained stays retained. Borrowed from it. */
struct mqtt_publish message_as_publish(const struct mqtt_message *m);

json_t *message_json(const struct mqtt_publish *p); /* a new reference */

json_t *message_json_now(const struct mqtt_message *m); /* with `time`: it came now; a new reference */

/* One line; takes the reference. */
void message_json_write(json_t *object, FILE *to);
/* The same on standard output. */
void message_json_print(json_t *object);

#endif

/* case_write.h: what a function put out, as the keys of a message that is expected. Pure. */
#ifndef HARK_CLI_CASE_WRITE_H
#define HARK_CLI_CASE_WRITE_H

#include "cli/case_file.h"
#include "cli/yaml_write.h"
#include "mqtt/mqtt.h"

enum case_payload_kind { CASE_PAYLOAD_TEXT, CASE_PAYLOAD_BASE64, CASE_PAYLOAD_JSON };

/* The kind that an expected payload is, and what it is to be of a payload that came: text that matches a
 * regular expression is text, JSON is JSON as long as it is, what is no text is base64. */
enum case_payload_kind case_payload_kind(const struct case_payload *expected, struct slice payload);
extern const char *const case_payload_keys[]; /* of each kind */

bool case_can_write(struct slice text); /* as a text of YAML */

/* The value alone. The caller frees what these return. */
char *case_write_text(struct slice text, enum yaml_quotes quotes);
char *case_write_payload(enum case_payload_kind kind, struct slice payload, enum yaml_quotes quotes);

/* `{ topic: …, payload: … }` with the keys that `like` has; like == NULL: with all that is not as usual, and
 * the payload as JSON where it is a list or map and json asks for it. */
char *case_write_message(const struct mqtt_publish *p, const struct case_message *like, bool json);
char *case_write_reply(const struct mqtt_publish *p, const struct case_message *like, bool json);

#endif

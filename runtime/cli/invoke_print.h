/* invoke_print.h: what an invocation put out, on standard output. */
#ifndef HARK_CLI_INVOKE_PRINT_H
#define HARK_CLI_INVOKE_PRINT_H

#include "dispatcher/outbox.h"

/* One line a message, in order: TOPIC PAYLOAD, the bytes as they are, unless standard output is a terminal,
 * which would obey them; or as JSON an object with all of it, bytes that are no text in base64. request: what
 * replies answer. */
void invoke_print(const struct outbox *outbox, const struct mqtt_message *request, bool json);

#endif

/* utf8.h: UTF-8 as MQTT wants it (MQTT-1.5.4-1, -2): well-formed, no surrogates, no U+0000. A byte order mark
 * is kept (MQTT-1.5.4-3). Pure. */
#ifndef HARK_SHARED_UTF8_H
#define HARK_SHARED_UTF8_H

#include "shared/slice.h"

bool utf8_valid(struct slice text);

/* The same without what makes some brokers end the connection (MQTT-1.5.4 lets them, and mosquitto does): the
 * control characters U+0001 to U+001F and U+007F to U+009F, and the noncharacters, U+FFFE for one. */
bool utf8_plain(struct slice text);

/* Bytes of the character that text[len] begins with, len > 0; 0: it begins with none. */
size_t utf8_length(const char *text, size_t len);

#endif

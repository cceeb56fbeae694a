/* sha1.h: SHA-1 (FIPS 180-4, section 6.1), which WebSocket asks for (RFC 6455 section 4.2.2). It shows there
 * that a server has read the request, and protects nothing. Pure. */
#ifndef HARK_MQTT_SHA1_H
#define HARK_MQTT_SHA1_H

#include "shared/slice.h"

#include <stdint.h>

enum { SHA1_BYTES = 20, SHA1_TEXT_MAX = 119 /* of what can be hashed: two blocks */ };

/* text.len: at most SHA1_TEXT_MAX. */
void sha1(struct slice text, uint8_t ret_hash[SHA1_BYTES]);

#endif

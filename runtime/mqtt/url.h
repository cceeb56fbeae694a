/* url.h: `mqtt://[user[:password]@]host[:port]`, or `mqtts://` for TLS;
 * `ws://[user[:password]@]host[:port][/path]
 * [?query]` for MQTT over WebSocket, or `wss://` (RFC 3986 syntax; percent-encoding in user and password;
 * IPv6 in brackets). User and password are MQTT's in all of them. Pure. */
#ifndef HARK_MQTT_URL_H
#define HARK_MQTT_URL_H

#include "shared/diag.h"

#include <stdbool.h>
#include <stdint.h>

enum { MQTT_HOST_MAX = 255, MQTT_CREDENTIAL_MAX = 1024, MQTT_TARGET_MAX = 3072 };

struct mqtt_url {
    char host[MQTT_HOST_MAX + 1]; /* name or address, without brackets */
    uint16_t port;                /* when not given: 1883, with TLS 8883; of WebSocket 80, with TLS 443 */
    bool is_tls;                  /* mqtts://, wss:// */
    bool is_web;                  /* ws://, wss:// */
    bool has_username, has_password;
    char username[MQTT_CREDENTIAL_MAX + 1]; /* decoded; UTF-8 */
    char password[MQTT_CREDENTIAL_MAX + 1]; /* decoded */
    char target[MQTT_TARGET_MAX + 1]; /* path and query as written; without a path /mqtt; "" unless is_web */
};

/* 0, or -EINVAL with diag->text (its file and line are left empty). The text never contains the password. A
 * fragment, another scheme, and but for WebSocket a path or query are errors. */
__attribute__((warn_unused_result)) int mqtt_url_parse(const char *text, struct mqtt_url *ret_url,
                                                       struct diag *diag);

/* `mqtts://user@host:port`, `ws://user@host:port/path`, for logs: without the password, and of a query, which
 * may hold a secret too, only that there is one. Always NUL-terminated. */
const char *mqtt_url_format(const struct mqtt_url *url, char *buffer, unsigned long size);

#endif

/* url.h: `mqtt://[user[:password]@]host[:port]`, or `mqtts://` for TLS (RFC 3986 syntax; percent-encoding in
 * user and password; IPv6 in brackets). Pure. */
#ifndef HARK_MQTT_URL_H
#define HARK_MQTT_URL_H

#include "shared/diag.h"

#include <stdbool.h>
#include <stdint.h>

enum { MQTT_HOST_MAX = 255, MQTT_CREDENTIAL_MAX = 1024 };

struct mqtt_url {
    char host[MQTT_HOST_MAX + 1]; /* name or address, without brackets */
    uint16_t port;                /* when not given: 1883, with TLS 8883 */
    bool is_tls;                  /* mqtts:// */
    bool has_username, has_password;
    char username[MQTT_CREDENTIAL_MAX + 1]; /* decoded; UTF-8 */
    char password[MQTT_CREDENTIAL_MAX + 1]; /* decoded */
};

/* 0, or -EINVAL with diag->text (its file and line are left empty). The text never contains the password. A
 * path, query, fragment or another scheme is an error. */
__attribute__((warn_unused_result)) int mqtt_url_parse(const char *text, struct mqtt_url *ret_url,
                                                       struct diag *diag);

/* `mqtts://user@host:port` without the password, for logs; always NUL-terminated. */
const char *mqtt_url_format(const struct mqtt_url *url, char *buffer, unsigned long size);

#endif

/* tls_calls.h: how hark reaches TLS. OpenSSL weighs more than all the rest of hark, and most brokers at home
 * and on a gateway need none of it. So what uses it is a library of its own, hark-tls.so beside hark-worker,
 * which is loaded with the first broker that needs it (tls_load.c) and stays.
 *
 * It is built from the same sources as hark, and works with no other version of it. */
#ifndef HARK_MQTT_TLS_CALLS_H
#define HARK_MQTT_TLS_CALLS_H

#include "mqtt/tls.h"

#define TLS_LIBRARY "hark-tls.so"
#define TLS_SYMBOL  "hark_tls_calls"

/* Each is the function of tls.h that bears its name. */
struct tls_calls {
    const char *version; /* HARK_VERSION; first, whatever follows */
    struct tls_context *(*context_create)(const struct tls_options *options, int *ret_error,
                                          struct diag *diag);
    struct tls_context *(*context_hold)(struct tls_context *context);
    void (*context_drop)(struct tls_context *context);
    struct tls *(*create)(struct tls_context *context, const char *host, const char *endpoint);
    void (*destroy)(struct tls *tls);
    void (*input)(struct tls *tls, const void *data, size_t len);
    struct buffer *(*output)(struct tls *tls);
    int (*handshake)(struct tls *tls);
    ssize_t (*read)(struct tls *tls, void *data, size_t size);
    int (*write)(struct tls *tls, const void *data, size_t len);
    void (*close)(struct tls *tls);
    enum mqtt_cause (*why)(const struct tls *tls, const char **ret_text);
    const char *(*describe)(const struct tls *tls, char *buffer, size_t size);
};

#endif

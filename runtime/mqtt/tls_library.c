/* tls_library.c: what hark-tls.so exports, and all it exports. */
#include "mqtt/tls_calls.h"

extern const struct tls_calls hark_tls_calls;

__attribute__((visibility("default"))) const struct tls_calls hark_tls_calls = {
    .version = HARK_VERSION,
    .context_create = tls_context_create,
    .context_hold = tls_context_hold,
    .context_drop = tls_context_drop,
    .create = tls_create,
    .destroy = tls_destroy,
    .input = tls_input,
    .output = tls_output,
    .handshake = tls_handshake,
    .read = tls_read,
    .write = tls_write,
    .close = tls_close,
    .why = tls_why,
    .describe = tls_describe,
};

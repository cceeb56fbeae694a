/* older_tls.c: hark-tls.so of another version of hark; what follows the version is not looked at. */
#include "mqtt/tls_calls.h"

extern const struct tls_calls hark_tls_calls;

const struct tls_calls hark_tls_calls = {.version = "0.0.1"};

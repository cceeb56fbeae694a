/* base64.h: bytes from base64 and back (RFC 4648, section 4, with its padding). Pure. */
#ifndef HARK_CLI_BASE64_H
#define HARK_CLI_BASE64_H

#include "shared/slice.h"

#include <stdint.h>

/* Into bytes[text.len]. 0 and *ret_len, or -EINVAL. */
__attribute__((warn_unused_result)) int base64_decode(struct slice text, uint8_t *bytes, size_t *ret_len);

/* At most INT_MAX / 2 bytes. The caller frees. */
char *base64_encode(struct slice bytes);

#endif

/* base64.h: bytes to base64 and back (RFC 4648, section 4, with its padding). Pure. */
#ifndef HARK_SHARED_BASE64_H
#define HARK_SHARED_BASE64_H

#include "shared/slice.h"

#include <stdint.h>

/* Characters of the base64 of so many bytes, and a NUL. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Into text[BASE64_SIZE(bytes.len)]. */
void base64_encode(struct slice bytes, char *text);
/* Into bytes[text.len]. 0 and *ret_len, or -EINVAL. */
__attribute__((warn_unused_result)) int base64_decode(struct slice text, uint8_t *bytes, size_t *ret_len);

#endif

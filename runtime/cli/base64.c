#include "cli/base64.h"

#include "shared/check.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>

static size_t padding_of(struct slice text)
{
    size_t n = 0;
    while (n < 2 && n < text.len && text.data[text.len - 1 - n] == '=')
        n++;
    return n;
}

/* EVP_DecodeBlock(3) counts the padding as bytes, and passes over blanks at the ends. */
int base64_decode(struct slice text, uint8_t *bytes, size_t *ret_len)
{
    if (text.len % 4 != 0 || text.len > INT_MAX)
        return -EINVAL;
    int n = EVP_DecodeBlock(bytes, (const unsigned char *)text.data, (int)text.len);
    if (n < 0 || (size_t)n != text.len / 4 * 3)
        return -EINVAL;
    *ret_len = (size_t)n - padding_of(text);
    return 0;
}

char *base64_encode(struct slice bytes)
{
    unsigned char *text = must_alloc(4 * ((bytes.len + 2) / 3) + 1);
    EVP_EncodeBlock(text, (const unsigned char *)bytes.data, (int)bytes.len);
    return (char *)text;
}

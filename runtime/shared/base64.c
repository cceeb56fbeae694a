#include "shared/base64.h"

#include <errno.h>

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four digits of three bytes; of fewer, the rest is padding. */
static void encode_group(const uint8_t *bytes, size_t count, char *text)
{
    uint32_t bits = (uint32_t)bytes[0] << 16;
    bits |= count > 1 ? (uint32_t)bytes[1] << 8 : 0;
    bits |= count > 2 ? bytes[2] : 0;
    for (size_t i = 0; i < 4; i++)
        text[i] = i <= count ? DIGITS[bits >> (18 - 6 * i) & 0x3f] : '=';
}

void base64_encode(struct slice bytes, char *text)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        encode_group((const uint8_t *)bytes.data + i, left < 3 ? left : 3, text);
        text += 4;
    }
    *text = '\0';
}

/* -1: it is no digit. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t padding_of(struct slice text)
{
    size_t n = 0;
    while (n < 2 && n < text.len && text.data[text.len - 1 - n] == '=')
        n++;
    return n;
}

int base64_decode(struct slice text, uint8_t *bytes, size_t *ret_len)
{
    size_t digits = text.len - padding_of(text), len = 0;
    uint32_t bits = 0;
    if (text.len % 4 != 0)
        return -EINVAL;
    for (size_t i = 0; i < digits; i++) {
        int value = value_of(text.data[i]);
        if (value < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 > 0)
            bytes[len++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *ret_len = len;
    return 0;
}

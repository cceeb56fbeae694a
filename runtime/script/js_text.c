#include "script/js_text.h"

#include <stdbool.h>

enum { REPLACEMENT = 0xfffd, HIGH_HALF = 0xd800, LOW_HALF = 0xdc00, HALVES_END = 0xe000, BEYOND = 0x10000 };

static bool is_tail(const uint8_t *in, size_t len, size_t count)
{
    if (len <= count)
        return false;
    for (size_t i = 1; i <= count; i++)
        if ((in[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* One character, and the bytes that it has; 0 bytes: none that is long enough for how it is written. Halves
 * pass. RFC 3629. */
static size_t decode(const uint8_t *in, size_t len, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0x80, 0x800, BEYOND};
    size_t tail = *in < 0x80 ? 0 : *in < 0xe0 ? 1 : *in < 0xf0 ? 2 : 3;
    if ((*in >= 0x80 && *in < 0xc2) || *in > 0xf4 || !is_tail(in, len, tail))
        return 0;
    uint32_t code = tail ? *in & (0x3fu >> tail) : *in;
    for (size_t i = 1; i <= tail; i++)
        code = code << 6 | (in[i] & 0x3fu);
    *ret_code = code;
    return code >= least[tail] && code <= 0x10ffff ? tail + 1 : 0;
}

static uint8_t *put_three(uint8_t *out, uint32_t code)
{
    *out++ = (uint8_t)(0xe0 | code >> 12);
    *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    *out++ = (uint8_t)(0x80 | (code & 0x3f));
    return out;
}

static uint8_t *put_four(uint8_t *out, uint32_t code)
{
    *out++ = (uint8_t)(0xf0 | code >> 18);
    *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    *out++ = (uint8_t)(0x80 | (code & 0x3f));
    return out;
}

static uint8_t *put_same(uint8_t *out, const uint8_t *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *out++ = in[i];
    return out;
}

static bool is_half(uint32_t code)
{
    return code >= HIGH_HALF && code < HALVES_END;
}

size_t js_text_from_utf8(const uint8_t *in, size_t len, uint8_t *out)
{
    uint8_t *at = out;
    while (len > 0) {
        uint32_t code;
        size_t count = decode(in, len, &code);
        if (count == 0 || is_half(code)) {
            at = put_three(at, REPLACEMENT);
            count = 1;
        } else if (code >= BEYOND) {
            at = put_three(at, HIGH_HALF + ((code - BEYOND) >> 10));
            at = put_three(at, LOW_HALF + ((code - BEYOND) & 0x3ff));
        } else {
            at = put_same(at, in, count);
        }
        in += count;
        len -= count;
    }
    return (size_t)(at - out);
}

/* The low half that belongs to a high one, with its bytes; 0: there is none. */
static size_t other_half(const uint8_t *in, size_t len, uint32_t *ret_code)
{
    size_t count = len > 0 ? decode(in, len, ret_code) : 0;
    return count && *ret_code >= LOW_HALF && *ret_code < HALVES_END ? count : 0;
}

size_t js_text_to_utf8(const uint8_t *in, size_t len, uint8_t *out)
{
    uint8_t *at = out;
    while (len > 0) {
        uint32_t code, low;
        size_t count = decode(in, len, &code), second = 0;
        if (count && code >= HIGH_HALF && code < LOW_HALF)
            second = other_half(in + count, len - count, &low);
        if (second)
            at = put_four(at, BEYOND + ((code - HIGH_HALF) << 10) + (low - LOW_HALF));
        else if (count && is_half(code))
            at = put_three(at, REPLACEMENT);
        else
            at = put_same(at, in, count ? count : (count = 1));
        in += count + second;
        len -= count + second;
    }
    return (size_t)(at - out);
}

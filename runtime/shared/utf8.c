#include "shared/utf8.h"

#include <stdint.h>

#define EACH_BYTE(value) (0x0101010101010101ull * (value))

/* Eight bytes of 0x01..0x7f: what nearly every topic is made of. */
static bool is_plain(const uint8_t *eight)
{
    uint64_t word;
    memcpy(&word, eight, sizeof word);
    return ((word | (word - EACH_BYTE(0x01))) & EACH_BYTE(0x80)) == 0;
}

static bool in_range(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* The second byte's range shuts out overlong forms, surrogates and what lies beyond U+10FFFF (RFC 3629
 * section 4). */
static bool second_byte_fits(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return in_range(second, 0xa0, 0xbf);
    case 0xed:
        return in_range(second, 0x80, 0x9f);
    case 0xf0:
        return in_range(second, 0x90, 0xbf);
    case 0xf4:
        return in_range(second, 0x80, 0x8f);
    default:
        return in_range(second, 0x80, 0xbf);
    }
}

static size_t length_by_first_byte(uint8_t first)
{
    if (first < 0x80)
        return first ? 1 : 0; /* MQTT-1.5.4-2 */
    if (first < 0xc2)
        return 0;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0)
        return 3;
    return first < 0xf5 ? 4 : 0;
}

/* Bytes of the character at `at`, 0 when it is not well-formed. */
static size_t character_length(const uint8_t *at, size_t left)
{
    size_t len = length_by_first_byte(at[0]);
    if (len > left || (len > 1 && !second_byte_fits(at[0], at[1])))
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (!in_range(at[i], 0x80, 0xbf))
            return 0;
    }
    return len;
}

bool utf8_valid(struct slice text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= 8 && is_plain(bytes + at)) {
            at += 8;
            continue;
        }
        if (text.len >= 8 && text.len - at < 8 && is_plain(bytes + text.len - 8))
            return true; /* the rest lies within the last eight */
        size_t len = character_length(bytes + at, text.len - at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

/* Eight bytes of 0x20..0x7e. */
static bool is_printable(const uint8_t *eight)
{
    uint64_t word;
    memcpy(&word, eight, sizeof word);
    return ((word | (word - EACH_BYTE(0x20)) | (word + EACH_BYTE(0x01))) & EACH_BYTE(0x80)) == 0;
}

static bool is_noncharacter(const uint8_t *at, size_t len)
{
    if (len == 3 && at[0] == 0xef && at[1] == 0xb7)
        return in_range(at[2], 0x90, 0xaf); /* U+FDD0 to U+FDEF */
    bool is_last_of_plane =
        (len == 3 && at[0] == 0xef && at[1] == 0xbf) || (len == 4 && (at[1] & 0x0f) == 0x0f && at[2] == 0xbf);
    return is_last_of_plane && at[len - 1] >= 0xbe; /* U+FFFE, U+FFFF, U+1FFFE, ... */
}

static bool is_control(const uint8_t *at, size_t len)
{
    return len == 1 ? at[0] < 0x20 || at[0] == 0x7f : len == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

bool utf8_plain(struct slice text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= 8 && is_printable(bytes + at)) {
            at += 8;
            continue;
        }
        if (text.len >= 8 && text.len - at < 8 && is_printable(bytes + text.len - 8))
            return true; /* the rest lies within the last eight */
        size_t len = character_length(bytes + at, text.len - at);
        if (len == 0 || is_control(bytes + at, len) || is_noncharacter(bytes + at, len))
            return false;
        at += len;
    }
    return true;
}

size_t utf8_length(const char *text, size_t len)
{
    return character_length((const uint8_t *)text, len);
}

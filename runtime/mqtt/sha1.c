#include "mqtt/sha1.h"

#include "shared/check.h"

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8, ROUNDS = 80 };

static uint32_t turn(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20)
        return ((b & c) | (~b & d)) + 0x5a827999;
    if (round < 40)
        return (b ^ c ^ d) + 0x6ed9eba1;
    return round < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
}

static void take_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t w[ROUNDS], s[5];
    memcpy(s, h, sizeof s);
    for (int i = 0; i < ROUNDS; i++) {
        w[i] =
            i < 16 ? big_endian(block + (size_t)i * 4) : turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t next = turn(s[0], 5) + mix(i, s[1], s[2], s[3]) + s[4] + w[i];
        memmove(s + 1, s, 4 * sizeof *s);
        s[0] = next;
        s[2] = turn(s[2], 30);
    }
    for (int i = 0; i < 5; i++)
        h[i] += s[i];
}

void sha1(struct slice text, uint8_t ret_hash[SHA1_BYTES])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[2 * BLOCK_BYTES] = {0};
    CHECK(text.len <= SHA1_TEXT_MAX);
    size_t bytes = text.len + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    if (text.len)
        memcpy(blocks, text.data, text.len);
    blocks[text.len] = 0x80;
    blocks[bytes - 2] = (uint8_t)(text.len * 8 >> 8);
    blocks[bytes - 1] = (uint8_t)(text.len * 8);
    for (size_t at = 0; at < bytes; at += BLOCK_BYTES)
        take_block(h, blocks + at);
    for (size_t i = 0; i < SHA1_BYTES; i++)
        ret_hash[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

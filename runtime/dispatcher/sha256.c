#include "dispatcher/sha256.h"

#include <string.h>

enum { ROUNDS = 64, LENGTH_BYTES = 8 };

/* Of the cube roots of the first 64 primes, the first 32 bits behind the point. */
static const uint32_t K[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void spread(uint32_t w[ROUNDS], const uint8_t *block)
{
    for (int i = 0; i < 16; i++)
        w[i] = big_endian(block + (size_t)i * 4);
    for (int i = 16; i < ROUNDS; i++) {
        uint32_t s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

static void take_block(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[ROUNDS];
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], last = h[7];
    spread(w, block);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25), choice = (e & f) ^ (~e & g);
        uint32_t s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22), majority = (a & b) ^ (a & c) ^ (b & c);
        uint32_t first = last + s1 + choice + K[i] + w[i];
        last = g, g = f, f = e, e = d + first;
        d = c, c = b, b = a, a = first + s0 + majority;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += last;
}

void sha256_begin(struct sha256 *s)
{
    *s = (struct sha256){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                               0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len) {
        size_t have = s->bytes % SHA256_BLOCK, room = SHA256_BLOCK - have, part = len < room ? len : room;
        if (part == SHA256_BLOCK) {
            take_block(s->h, at);
        } else {
            memcpy(s->block + have, at, part);
            if (part == room)
                take_block(s->h, s->block);
        }
        s->bytes += part;
        at += part;
        len -= part;
    }
}

/* A bit, zeros up to the last eight bytes of a block, and there the length in bits. */
void sha256_end(struct sha256 *s, uint8_t ret_hash[SHA256_BYTES])
{
    uint64_t bits = s->bytes * 8;
    uint8_t padding[2 * SHA256_BLOCK] = {0x80};
    size_t have = s->bytes % SHA256_BLOCK;
    size_t len = (have < SHA256_BLOCK - LENGTH_BYTES ? SHA256_BLOCK : 2 * SHA256_BLOCK) - have;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        padding[len - 1 - i] = (uint8_t)(bits >> (8 * i));
    sha256_add(s, padding, len);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        ret_hash[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

/* sha256.h: SHA-256 (FIPS 180-4, section 6.2), in pieces. Pure, any thread.
 *
 * Our own, because a version is a hash, every deployment needs one, and OpenSSL's libcrypto in memory would
 * weigh more than all the rest of hark. */
#ifndef HARK_DISPATCHER_SHA256_H
#define HARK_DISPATCHER_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

struct sha256 {
    uint32_t h[8];
    uint64_t bytes;              /* that were taken */
    uint8_t block[SHA256_BLOCK]; /* the begin of one: bytes % SHA256_BLOCK of it */
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* Once. */
void sha256_end(struct sha256 *s, uint8_t ret_hash[SHA256_BYTES]);

#endif

/* Digests and base64 of our own, beside published values and OpenSSL's. */
#include "dispatcher/sha256.h"
#include "mqtt/sha1.h"
#include "shared/base64.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LENGTHS = 300, LARGE_BYTES = 1 << 20 };

static uint8_t bytes[LARGE_BYTES];

static int fill(void **unused)
{
    (void)unused;
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return 0;
}

static void then_the_hash_is(const uint8_t *hash, size_t len, const char *expected)
{
    char text[2 * SHA256_BYTES + 1];
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(text, expected);
}

static void sha256_of(const void *data, size_t len, uint8_t hash[SHA256_BYTES])
{
    struct sha256 s;
    sha256_begin(&s);
    sha256_add(&s, data, len);
    sha256_end(&s, hash);
}

/* The examples of NIST for FIPS 180-4. */
static void the_published_examples_hold(void **unused)
{
    (void)unused;
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    uint8_t hash[SHA256_BYTES];
    sha256_of("", 0, hash);
    then_the_hash_is(hash, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_of("abc", 3, hash);
    then_the_hash_is(hash, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_of(two_blocks, 56, hash);
    then_the_hash_is(hash, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sha1(slice_of("abc"), hash);
    then_the_hash_is(hash, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    sha1(slice_of(two_blocks), hash);
    then_the_hash_is(hash, 20, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

static void each_length_hashes_as_openssl_has_it(void **unused)
{
    (void)unused;
    uint8_t ours[SHA256_BYTES], theirs[SHA256_BYTES];
    for (size_t len = 0; len <= LENGTHS; len++) {
        sha256_of(bytes, len, ours);
        SHA256(bytes, len, theirs);
        assert_memory_equal(ours, theirs, SHA256_BYTES);
        if (len > SHA1_TEXT_MAX)
            continue;
        sha1(slice_make(bytes, len), ours);
        SHA1(bytes, len, theirs);
        assert_memory_equal(ours, theirs, SHA1_BYTES);
    }
}

static void pieces_hash_as_the_whole(void **unused)
{
    (void)unused;
    uint8_t ours[SHA256_BYTES], theirs[SHA256_BYTES];
    SHA256(bytes, sizeof bytes, theirs);
    for (size_t piece = 1; piece < LENGTHS; piece += 7) {
        struct sha256 s;
        sha256_begin(&s);
        for (size_t at = 0; at < sizeof bytes; at += piece)
            sha256_add(&s, bytes + at, sizeof bytes - at < piece ? sizeof bytes - at : piece);
        sha256_end(&s, ours);
        assert_memory_equal(ours, theirs, SHA256_BYTES);
    }
}

static void each_length_is_encoded_as_openssl_has_it_and_comes_back(void **unused)
{
    (void)unused;
    for (size_t len = 0; len <= LENGTHS; len++) {
        char ours[BASE64_SIZE(LENGTHS)], theirs[BASE64_SIZE(LENGTHS)];
        uint8_t back[sizeof ours];
        size_t back_len = 0;
        base64_encode(slice_make(bytes, len), ours);
        EVP_EncodeBlock((unsigned char *)theirs, bytes, (int)len);
        assert_string_equal(ours, theirs);
        assert_int_equal(strlen(ours) + 1, BASE64_SIZE(len));
        assert_int_equal(base64_decode(slice_of(ours), back, &back_len), 0);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
    }
}

static void what_is_no_base64_is_refused(void **unused)
{
    (void)unused;
    const char *const texts[] = {"A",    "AA",   "AAA",   "AA==A", "A===",     "====",     "=AAA", "A=AA",
                                 "AA=A", "AAA ", " AAA=", "AA-_",  "AAAA\nAA", "AA==AA==", "AA*=", "A\x80=="};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t room[16];
        size_t len;
        assert_int_equal(base64_decode(slice_of(texts[i]), room, &len), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_examples_hold),
        cmocka_unit_test(each_length_hashes_as_openssl_has_it),
        cmocka_unit_test(pieces_hash_as_the_whole),
        cmocka_unit_test(each_length_is_encoded_as_openssl_has_it_and_comes_back),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}

/* Base64, beside OpenSSL's. */
#include "shared/base64.h"

#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LENGTHS = 300 };

static uint8_t bytes[LENGTHS];

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
        cmocka_unit_test(each_length_is_encoded_as_openssl_has_it_and_comes_back),
        cmocka_unit_test(what_is_no_base64_is_refused),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}

#include "script/js_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 64 };

static void assert_from_utf8(const char *in, const char *out)
{
    uint8_t got[ROOM];
    size_t len = js_text_from_utf8((const uint8_t *)in, strlen(in), got);
    assert_int_equal(len, strlen(out));
    assert_memory_equal(got, out, len);
}

static void assert_to_utf8(const char *in, const char *out)
{
    uint8_t got[ROOM];
    size_t len = js_text_to_utf8((const uint8_t *)in, strlen(in), got);
    assert_int_equal(len, strlen(out));
    assert_memory_equal(got, out, len);
}

static void what_fits_in_sixteen_bits_stays_as_it_is(void **unused)
{
    (void)unused;
    static const char text[] = "a\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf";
    assert_from_utf8(text, text);
    assert_to_utf8(text, text);
    assert_from_utf8("", "");
    assert_to_utf8("", "");
}

static void a_character_beyond_becomes_two_halves_and_back(void **unused)
{
    (void)unused;
    static const char *const pairs[][2] = {{"\xf0\x90\x80\x80", "\xed\xa0\x80\xed\xb0\x80"},
                                           {"x\xf0\x9f\x98\x80y", "x\xed\xa0\xbd\xed\xb8\x80y"},
                                           {"\xf4\x8f\xbf\xbf", "\xed\xaf\xbf\xed\xbf\xbf"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_from_utf8(pairs[i][0], pairs[i][1]);
        assert_to_utf8(pairs[i][1], pairs[i][0]);
    }
}

static void half_a_character_is_replaced(void **unused)
{
    (void)unused;
    assert_to_utf8("\xed\xa0\xbd", "\xef\xbf\xbd");
    assert_to_utf8("\xed\xb8\x80 \xed\xa0\xbd", "\xef\xbf\xbd \xef\xbf\xbd");
    assert_to_utf8("\xed\xa0\xbd\xed\xa0\xbd\xed\xb8\x80", "\xef\xbf\xbd\xf0\x9f\x98\x80");
}

static void what_is_no_utf8_is_replaced_byte_by_byte(void **unused)
{
    (void)unused;
    assert_from_utf8("a\xff"
                     "b",
                     "a\xef\xbf\xbd"
                     "b");
    assert_from_utf8("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"); /* longer than need be */
    assert_from_utf8("\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_from_utf8("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a half is no character */
    assert_from_utf8("\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_from_utf8("\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* cut short */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_in_sixteen_bits_stays_as_it_is),
        cmocka_unit_test(a_character_beyond_becomes_two_halves_and_back),
        cmocka_unit_test(half_a_character_is_replaced),
        cmocka_unit_test(what_is_no_utf8_is_replaced_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

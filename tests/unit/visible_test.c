/* Whatever bytes come, nothing is left of them that a terminal would obey. */
#include "shared/visible.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void shows(const char *text, size_t len, const char *expected)
{
    char shown[256] = "";
    struct visible v;
    for (size_t i = 0; i < len;) {
        i += visible_take(text + i, len - i, &v);
        assert_int_equal(strlen(v.bytes), v.len);
        strcat(shown, v.bytes);
    }
    assert_string_equal(shown, expected);
}

#define SHOWS(text, expected) shows(text, sizeof(text) - 1, expected)

static void text_stays_as_it_is(void **unused)
{
    (void)unused;
    SHOWS("21.5 °C, öffne, 日本, 🌡", "21.5 °C, öffne, 日本, 🌡");
    SHOWS("\xc2\xa0|", "\xc2\xa0|"); /* the first behind the controls */
}

static void controls_are_escaped(void **unused)
{
    (void)unused;
    SHOWS("a\033[2J\r\nb\t\x7f", "a\\x1b[2J\\x0d\\x0ab\\x09\\x7f");
    SHOWS("a\0b", "a\\x00b");
}

static void controls_of_two_bytes_are_escaped(void **unused)
{
    (void)unused;
    SHOWS("\xc2\x9b"
          "2J|\xc2\x80\xc2\x9f",
          "\\x9b2J|\\x80\\x9f");
}

static void bytes_that_are_no_text_are_escaped(void **unused)
{
    (void)unused;
    SHOWS("\x9b"
          "2J\xff",
          "\\x9b2J\\xff");
    SHOWS("\xe2\x82", "\\xe2\\x82"); /* the end is missing */
    SHOWS("\xe2\x82|", "\\xe2\\x82|");
    SHOWS("\xc0\x9b", "\\xc0\\x9b"); /* an overlong form */
}

static void no_control_is_left_of_any_three_bytes(void **unused)
{
    (void)unused;
    struct visible v;
    for (uint32_t n = 0; n < 1u << 24; n += 61 + n % 7) {
        const char text[3] = {(char)(n >> 16), (char)(n >> 8), (char)n};
        size_t taken = visible_take(text, sizeof text, &v);
        assert_in_range(taken, 1, 3);
        assert_in_range(v.len, 1, VISIBLE_MAX);
        unsigned char first = (unsigned char)v.bytes[0], second = (unsigned char)v.bytes[1];
        assert_true(first >= 0x20 && first != 0x7f && !(first >= 0x80 && first < 0xc2));
        assert_false(first == 0xc2 && second < 0xa0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_as_it_is),
        cmocka_unit_test(controls_are_escaped),
        cmocka_unit_test(controls_of_two_bytes_are_escaped),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped),
        cmocka_unit_test(no_control_is_left_of_any_three_bytes),
    };
    return cmocka_run_group_tests_name("visible", tests, NULL, NULL);
}

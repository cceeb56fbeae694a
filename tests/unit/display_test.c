#include "cli/display.h"
#include "support/test.h"

#include <string.h>

static void assert_shown(struct slice bytes, size_t width, const char *expected)
{
    char buffer[4 * 80 + 8];
    display_bytes(bytes, width, buffer, sizeof buffer);
    assert_string_equal(buffer, expected);
}

static void text_is_shown_as_it_is(void **unused)
{
    (void)unused;
    assert_shown(slice_of("21.5 °C"), 20, "21.5 °C");
    assert_shown(slice_of(""), 20, "");
}

static void controls_cannot_reach_the_terminal(void **unused)
{
    (void)unused;
    assert_shown(slice_of("a\033[31m\n\x7f"), 40, "a\\x1b[31m\\x0a\\x7f");
    assert_shown(slice_of("\xc2\x9b"
                          "31m"),
                 40, "\\x9b31m");
}

static void long_text_ends_in_an_ellipsis_of_the_width(void **unused)
{
    (void)unused;
    assert_shown(slice_of("12345678"), 8, "12345678");
    assert_shown(slice_of("123456789"), 8, "1234567…");
    assert_shown(slice_of("äöüäöüäöü"), 8, "äöüäöüä…");
    assert_shown(slice_of("12345\n789"), 8, "12345…");
}

static void what_takes_two_columns_is_counted_so(void **unused)
{
    (void)unused;
    assert_shown(slice_of("日本語です"), 10, "日本語です");
    assert_shown(slice_of("日本語です"), 9, "日本語で…");
    assert_shown(slice_of("日本語です"), 8, "日本語…");
    assert_shown(slice_of("18 °C 😀😀"), 10, "18 °C 😀😀");
    assert_shown(slice_of("18 °C 😀😀"), 9, "18 °C 😀…");
}

static void other_bytes_are_shown_as_hex_with_their_number(void **unused)
{
    (void)unused;
    assert_shown(slice_make("\xff\x00\x01", 3), 40, "0xff0001");
    assert_shown(slice_make("a\0b", 3), 40, "0x610062");
    char many[100];
    memset(many, 0xee, sizeof many);
    assert_shown(slice_make(many, sizeof many), 80, "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee… (100 bytes)");
    assert_shown(slice_make(many, sizeof many), 30, "0xeeeeee… (100 bytes)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_shown_as_it_is),
        cmocka_unit_test(controls_cannot_reach_the_terminal),
        cmocka_unit_test(long_text_ends_in_an_ellipsis_of_the_width),
        cmocka_unit_test(what_takes_two_columns_is_counted_so),
        cmocka_unit_test(other_bytes_are_shown_as_hex_with_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

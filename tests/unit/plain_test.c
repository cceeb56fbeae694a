#include "dispatcher/plain.h"
#include "shared/utf8.h"
#include "support/test.h"

#include <stdio.h>

static void assert_plain(const char *text, const char *expected)
{
    char buffer[PLAIN_TEXT_MAX];
    struct slice plain = plain_text(slice_of(text), buffer);
    assert_true(slice_equal(plain, slice_of(expected)));
}

static void what_brokers_may_refuse_is_shown_by_its_bytes(void **unused)
{
    (void)unused;
    assert_plain("", "");
    assert_plain("kitchen/wärme", "kitchen/wärme");
    assert_plain("a\x1b[2Jb", "a\\x1b[2Jb");
    assert_plain("\xc2\x85", "\\xc2\\x85");          /* a control of two bytes */
    assert_plain("\xef\xbf\xbe", "\\xef\\xbf\\xbe"); /* U+FFFE */
    assert_plain("\xc3(", "\\xc3(");                 /* no UTF-8 */
}

static void a_text_is_cut_where_its_bytes_no_longer_fit(void **unused)
{
    (void)unused;
    char text[2 * PLAIN_TEXT_MAX], buffer[PLAIN_TEXT_MAX];
    memset(text, '\n', sizeof text);
    struct slice plain = plain_text(slice_make(text, sizeof text), buffer);
    assert_int_equal(plain.len, PLAIN_TEXT_MAX / 4 * 4 - 4);
    assert_true(utf8_plain(plain));
    memset(text, 'x', sizeof text); /* one that is plain is not cut */
    assert_int_equal(plain_text(slice_make(text, sizeof text), buffer).len, sizeof text);
}

static void properties_that_are_not_plain_are_left_out(void **unused)
{
    (void)unused;
    struct property properties[] = {{slice_of("a"), slice_of("1")},
                                    {slice_of("b\n"), slice_of("2")},
                                    {slice_of("c"), slice_of("3\x7f")},
                                    {slice_of("d"), slice_of("4")}};
    assert_int_equal(plain_properties(properties, 4), 2);
    assert_true(slice_equal(properties[0].key, slice_of("a")));
    assert_true(slice_equal(properties[1].key, slice_of("d")));
    assert_null(plain_or_absent(slice_of("text/\x01")).data);
    assert_true(slice_equal(plain_or_absent(slice_of("text/plain")), slice_of("text/plain")));
    assert_null(plain_or_absent((struct slice){0}).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_brokers_may_refuse_is_shown_by_its_bytes),
        cmocka_unit_test(a_text_is_cut_where_its_bytes_no_longer_fit),
        cmocka_unit_test(properties_that_are_not_plain_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "shared/utf8.h"

#include "../support/test.h"

#include <stdio.h>
#include <stdlib.h>

#define VALID(text)   assert_true(utf8_valid(slice_make(text, sizeof(text) - 1)))
#define INVALID(text) assert_false(utf8_valid(slice_make(text, sizeof(text) - 1)))

static void well_formed_text_is_valid(void **unused)
{
    (void)unused;
    VALID("");
    VALID("home/kitchen/temperature");
    VALID("K\xc3\xbc"
          "che/\xe6\xb8\xa9\xe5\xba\xa6/\xf0\x9f\x8c\xa1");
    VALID("\x01\x1f\x7f"); /* control characters: should not, yet may (MQTT-1.5.4) */
    assert_true(utf8_valid((struct slice){0}));
}

static void assert_refused_at(char *text, size_t len, size_t at, char c)
{
    memset(text, 'x', len);
    assert_true(utf8_valid(slice_make(text, len)));
    text[at] = c;
    assert_false(utf8_valid(slice_make(text, len)));
}

static void nul_and_stray_bytes_are_refused_wherever_they_stand(void **unused) /* MQTT-1.5.4-2 */
{
    (void)unused;
    for (size_t len = 1; len <= 24; len++) {
        char *text = malloc(len);
        for (size_t at = 0; at < len; at++) {
            assert_refused_at(text, len, at, '\0');
            assert_refused_at(text, len, at, '\x80');
            assert_refused_at(text, len, at, '\xc3');
        }
        free(text);
    }
}

static void surrogates_are_refused(void **unused) /* MQTT-1.5.4-1 */
{
    (void)unused;
    VALID("\xed\x9f\xbf"); /* U+D7FF */
    INVALID("\xed\xa0\x80");
    INVALID("\xed\xbf\xbf");
    INVALID("\xed\xa0\xbd\xed\xb8\x80"); /* a pair, as CESU-8 has it */
    VALID("\xee\x80\x80");               /* U+E000 */
}

static void overlong_forms_are_refused(void **unused)
{
    (void)unused;
    INVALID("\xc0\x80");
    INVALID("\xc1\xbf");
    INVALID("\xe0\x80\x80");
    INVALID("\xe0\x9f\xbf");
    VALID("\xe0\xa0\x80");
    INVALID("\xf0\x8f\xbf\xbf");
    VALID("\xf0\x90\x80\x80");
}

static void nothing_lies_beyond_10ffff(void **unused)
{
    (void)unused;
    VALID("\xf4\x8f\xbf\xbf");
    INVALID("\xf4\x90\x80\x80");
    INVALID("\xf5\x80\x80\x80");
    INVALID("\xff");
}

static void a_character_cut_short_is_refused(void **unused)
{
    (void)unused;
    INVALID("a\xc3");
    INVALID("\xe6\xb8");
    INVALID("\xf0\x9f\x8c");
    INVALID("\xe6\xb8/");
    INVALID("\xc3(");
    INVALID("\x80");
}

static void a_byte_order_mark_is_text(void **unused) /* MQTT-1.5.4-3 */
{
    (void)unused;
    VALID("\xef\xbb\xbf");
    VALID("\xef\xbb\xbfsport");
}

/* mosquitto ends the connection for these. */
static void controls_and_noncharacters_are_not_plain(void **unused)
{
    (void)unused;
    static const char *const odd[] = {"\x01",
                                      "\n",
                                      "\x1f",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xc2\x9f",
                                      "\xef\xb7\x90",
                                      "\xef\xb7\xaf",
                                      "\xef\xbf\xbe",
                                      "\xef\xbf\xbf",
                                      "\xf0\x9f\xbf\xbe",
                                      "\xf4\x8f\xbf\xbf",
                                      "\xff",
                                      "\xed\xa0\x80"};
    static const char *const good[] = {" ",
                                       "~",
                                       "\xc2\xa0",
                                       "\xef\xb7\x8f",
                                       "\xef\xb7\xb0",
                                       "\xef\xbf\xbd",
                                       "\xf0\x9f\xbf\xbd",
                                       "\xf0\x9e\xbf\xbf"};
    for (size_t before = 0; before < 20; before++) {
        char text[64];
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
            snprintf(text, sizeof text, "%.*s%sabc", (int)before, "home/kitchen/heaters", odd[i]);
            assert_false(utf8_plain(slice_of(text)));
            assert_false(utf8_plain(slice_make(text, before + strlen(odd[i]))));
        }
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
            snprintf(text, sizeof text, "%.*s%sabc", (int)before, "home/kitchen/heaters", good[i]);
            assert_true(utf8_plain(slice_of(text)));
        }
    }
    assert_true(utf8_plain((struct slice){0}));
}

static size_t encode(uint32_t c, char *out)
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[len == 1 ? 0 : len] | c);
    return len;
}

static void every_code_point_is_judged_as_the_standard_says(void **unused)
{
    (void)unused;
    char text[12];
    for (uint32_t c = 0; c < 0x110000; c++) {
        memset(text, 'x', sizeof text);
        (void)encode(c, text);
        bool wanted = c != 0 && (c < 0xd800 || c > 0xdfff);
        if (utf8_valid(slice_make(text, sizeof text)) != wanted)
            fail_msg("U+%04X", c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_text_is_valid),
        cmocka_unit_test(nul_and_stray_bytes_are_refused_wherever_they_stand),
        cmocka_unit_test(surrogates_are_refused),
        cmocka_unit_test(overlong_forms_are_refused),
        cmocka_unit_test(nothing_lies_beyond_10ffff),
        cmocka_unit_test(a_character_cut_short_is_refused),
        cmocka_unit_test(controls_and_noncharacters_are_not_plain),
        cmocka_unit_test(a_byte_order_mark_is_text),
        cmocka_unit_test(every_code_point_is_judged_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

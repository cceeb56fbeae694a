#include "cli/columns.h"

#include "shared/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { CHARACTER_BYTES = 4 };

static const struct {
    uint32_t first, last;
} wide[] = {
    {0x1100, 0x115f},   /* Hangul Jamo that begin a syllable */
    {0x231a, 0x231b},   /* watch, hourglass */
    {0x23e9, 0x23f3},   /* buttons of players, clocks */
    {0x2614, 0x2615},   /* umbrella, hot drink */
    {0x2648, 0x27bf},   /* zodiac, pictographs, dingbats */
    {0x2b1b, 0x2b55},   /* squares, star */
    {0x2e80, 0x303e},   /* radicals, CJK punctuation */
    {0x3041, 0xa4cf},   /* kana, CJK ideographs, Yi */
    {0xa960, 0xa97f},   /* Hangul Jamo, extended */
    {0xac00, 0xd7a3},   /* Hangul */
    {0xf900, 0xfaff},   /* CJK compatibility */
    {0xfe10, 0xfe19},   /* vertical forms */
    {0xfe30, 0xfe6f},   /* CJK compatibility forms */
    {0xff01, 0xff60},   /* fullwidth forms */
    {0xffe0, 0xffe6},   /* fullwidth signs */
    {0x16fe0, 0x1b2ff}, /* Tangut, Khitan, kana */
    {0x1f004, 0x1faff}, /* pictographs */
    {0x20000, 0x3fffd}, /* CJK ideographs */
};

static uint32_t code_of(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;
    uint32_t code = len == 1 ? at[0] : at[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (at[i] & 0x3fu);
    return code;
}

static bool is_wide(uint32_t code)
{
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (code >= wide[i].first && code <= wide[i].last)
            return true;
    }
    return false;
}

size_t columns_take(const char **text)
{
    size_t len = utf8_length(*text, strnlen(*text, CHARACTER_BYTES));
    size_t columns = len > 2 && is_wide(code_of(*text, len)) ? 2 : 1;
    *text += len > 0 ? len : 1;
    return columns;
}

size_t columns_of(const char *text)
{
    size_t columns = 0;
    while (text && *text)
        columns += columns_take(&text);
    return columns;
}

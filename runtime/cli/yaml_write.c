#include "cli/yaml_write.h"

#include "shared/utf8.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- texts ---- */

/* What some reader of YAML, an editor for instance, takes for something else than a text. */
static bool is_special_word(struct slice text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (text.len == strlen(words[i]) && strncasecmp(text.data, words[i], text.len) == 0)
            return true;
    }
    return false;
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '/' || c == '.' || c == '-' || c == '+';
}

/* Fewer than YAML allows: nothing that a person would have to look up, and no number. */
static bool can_be_plain(struct slice text)
{
    if (text.len == 0 || is_special_word(text))
        return false;
    if (!isalpha((unsigned char)text.data[0]) && text.data[0] != '/' && text.data[0] != '_')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_inner_blank = text.data[i] == ' ' && i + 1 < text.len && text.data[i - 1] != ' ';
        if (!is_word_byte(text.data[i]) && !is_inner_blank)
            return false;
    }
    return true;
}

static uint32_t code_point(const char *at, size_t len)
{
    static const uint8_t bits_of_first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = (uint8_t)at[0] & bits_of_first[len];
    for (size_t i = 1; i < len; i++)
        point = point << 6 | ((uint8_t)at[i] & 0x3f);
    return point;
}

/* What YAML 1.1 has no place for in a text, and what breaks its lines. */
static bool needs_escape(uint32_t point)
{
    return point < ' ' || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029 ||
           point == 0xfeff || (point >= 0xfffe && point <= 0xffff);
}

static bool can_be_single(struct slice text)
{
    for (size_t at = 0, len; at < text.len; at += len) {
        len = utf8_length(text.data + at, text.len - at);
        if (needs_escape(code_point(text.data + at, len)))
            return false;
    }
    return true;
}

static void put_single(FILE *f, struct slice text)
{
    fputc('\'', f);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'')
            fputc('\'', f);
        fputc(text.data[i], f);
    }
    fputc('\'', f);
}

static void put_escape(FILE *f, uint32_t point)
{
    if (point == '\n')
        fputs("\\n", f);
    else if (point == '\t')
        fputs("\\t", f);
    else if (point == '\r')
        fputs("\\r", f);
    else
        fprintf(f, point <= 0xff ? "\\x%02x" : "\\u%04x", (unsigned)point);
}

static void put_double(FILE *f, struct slice text)
{
    fputc('"', f);
    for (size_t at = 0, len; at < text.len; at += len) {
        len = utf8_length(text.data + at, text.len - at);
        uint32_t point = code_point(text.data + at, len);
        if (needs_escape(point)) {
            put_escape(f, point);
            continue;
        }
        if (point == '"' || point == '\\')
            fputc('\\', f);
        fwrite(text.data + at, 1, len, f);
    }
    fputc('"', f);
}

void yaml_write_text(FILE *f, struct slice text, enum yaml_quotes wish)
{
    if (wish == YAML_QUOTES_NONE && can_be_plain(text))
        fwrite(text.data, 1, text.len, f);
    else if (wish == YAML_QUOTES_SINGLE && can_be_single(text))
        put_single(f, text);
    else
        put_double(f, text);
}

/* ---- JSON ---- */

/* As few digits as tell it from every other number. */
static void put_real(FILE *f, double value)
{
    char text[40];
    int digits = 15;
    do {
        snprintf(text, sizeof text, "%.*g", digits++, value);
    } while (digits <= 17 && strtod(text, NULL) != value);
    fputs(text, f);
    if (!strpbrk(text, ".e"))
        fputs(".0", f);
}

static void put_list(FILE *f, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        fputs(i == 0 ? "[ " : ", ", f);
        yaml_write_json(f, json_array_get(list, i));
    }
    fputs(json_array_size(list) == 0 ? "[]" : " ]", f);
}

static void put_map(FILE *f, const json_t *map)
{
    const char *key, *before = "{ ";
    json_t *value;
    json_object_foreach((json_t *)map, key, value)
    {
        fputs(before, f);
        yaml_write_text(f, slice_of(key), YAML_QUOTES_NONE);
        fputs(": ", f);
        yaml_write_json(f, value);
        before = ", ";
    }
    fputs(json_object_size(map) == 0 ? "{}" : " }", f);
}

void yaml_write_json(FILE *f, const json_t *value) /* as deep as the reader of JSON lets it be */
{
    if (json_is_array(value))
        put_list(f, value);
    else if (json_is_object(value))
        put_map(f, value);
    else if (json_is_string(value))
        yaml_write_text(f, slice_make(json_string_value(value), json_string_length(value)),
                        YAML_QUOTES_DOUBLE);
    else if (json_is_integer(value))
        fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        put_real(f, json_real_value(value));
    else
        fputs(json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null", f);
}

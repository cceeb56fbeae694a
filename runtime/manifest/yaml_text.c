#include "manifest/yaml_text.h"

#include "manifest/yaml.h"
#include "shared/utf8.h"

#include <errno.h>

struct yaml_cursor yaml_cursor_start(struct slice text)
{
    return (struct yaml_cursor){.text = text, .line = 1};
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* A line ends with LF, CR LF, or a CR alone. */
static bool ends_line(struct slice text, size_t i)
{
    if (text.data[i] == '\r')
        return i + 1 == text.len || text.data[i + 1] != '\n';
    return text.data[i] == '\n';
}

static void step(struct yaml_cursor *c)
{
    if (ends_line(c->text, c->byte)) {
        c->line++;
        c->line_start = c->byte + 1;
    }
    do {
        c->byte++;
    } while (c->byte < c->text.len && is_continuation(c->text.data[c->byte]));
    c->character++;
}

void yaml_cursor_to_character(struct yaml_cursor *c, size_t character)
{
    if (character < c->character)
        *c = yaml_cursor_start(c->text);
    while (c->character < character && c->byte < c->text.len)
        step(c);
}

void yaml_cursor_to_byte(struct yaml_cursor *c, size_t byte)
{
    if (byte < c->byte)
        *c = yaml_cursor_start(c->text);
    while (c->byte < byte && c->byte < c->text.len)
        step(c);
}

unsigned yaml_cursor_column(const struct yaml_cursor *c)
{
    return (unsigned)(c->byte - c->line_start + 1);
}

struct slice yaml_text_skip_bom(struct slice text)
{
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        return slice_make(text.data + 3, text.len - 3);
    return text;
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* The first byte that is no text; text.len when all of it is. */
static size_t find_bad_byte(struct slice text)
{
    size_t i = 0;
    while (i < text.len && !is_control(text.data[i])) {
        size_t end = i + 1;
        while (end < text.len && end < i + 4 && is_continuation(text.data[end]))
            end++;
        if (!utf8_valid(slice_make(text.data + i, end - i)))
            return i;
        i = end;
    }
    return i;
}

static const char *describe_bad_byte(char c)
{
    if (c == '\0')
        return "a NUL byte: this is not a text file, write YAML";
    if (is_control(c))
        return "a control character: remove it, or write it as an escape in double quotes";
    return "not UTF-8: save the file with the encoding UTF-8";
}

int yaml_text_check(const char *file, struct slice text, struct diags *diags)
{
    if (text.len > YAML_BYTES_MAX) {
        diags_add(diags, file, 0, 0, "the file is %zu bytes, at most 1 MiB is allowed: is it the right file?",
                  text.len);
        return -EINVAL;
    }
    size_t bad = find_bad_byte(text);
    if (bad == text.len)
        return 0;
    struct yaml_cursor c = yaml_cursor_start(text);
    yaml_cursor_to_byte(&c, bad);
    diags_add(diags, file, c.line, yaml_cursor_column(&c), "%s", describe_bad_byte(text.data[bad]));
    return -EINVAL;
}

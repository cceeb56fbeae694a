#include "cli/test_tap.h"

#include "shared/clock.h"

#include <stdio.h>
#include <string.h>

void test_tap_begin(size_t count)
{
    printf("TAP version 13\n1..%zu\n", count);
    fflush(stdout);
}

/* A '#' would begin a directive, such as TODO. */
static void put_description(const char *text)
{
    for (; *text; text++) {
        if (*text == '#' || *text == '\\')
            putchar('\\');
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
    }
}

static void put_quoted(const char *text, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            putchar('\\');
        putchar((unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
    }
    putchar('"');
}

/* What the judge writes has no control characters but line ends, and does not begin with a blank. */
static void put_lines(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("    %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void put_diagnosis(const struct test_outcome *o)
{
    fputs("  ---\n  message: ", stdout);
    put_quoted(o->failure, strcspn(o->failure, "\n"));
    fputs("\n  severity: fail\n  file: ", stdout);
    put_quoted(o->file->path, strlen(o->file->path));
    printf("\n  line: %u\n  column: %u\n  duration_ms: %.3f\n  details: |\n", o->test->line, o->test->column,
           (double)o->took_ns / (double)NS_PER_MS);
    put_lines(o->failure);
    fputs("  ...\n", stdout);
}

static void put_point(bool good, size_t number, const char *path)
{
    printf("%s %zu - ", good ? "ok" : "not ok", number);
    put_description(path);
    fputs(": ", stdout);
}

void test_tap_case(size_t number, const struct test_outcome *o)
{
    put_point(!test_outcome_failed(o), number, o->file->path);
    put_description(o->test->name);
    putchar('\n');
    if (test_outcome_failed(o))
        put_diagnosis(o);
    fflush(stdout);
}

void test_tap_unreadable(size_t number, const char *path)
{
    put_point(false, number, path);
    puts("cannot be read, standard error says why");
    fflush(stdout);
}

void test_tap_bail_out(const char *why)
{
    printf("Bail out! %s\n", why);
    fflush(stdout);
}

#include "cli/test_report.h"

#include "cli/display.h"
#include "shared/clock.h"
#include "shared/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && !(no_color && no_color[0]);
}

static double ms(uint64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

static void print_failure(const char *failure)
{
    while (*failure) {
        size_t len = strcspn(failure, "\n");
        printf("        %.*s\n", (int)len, failure);
        failure += len + (failure[len] == '\n');
    }
}

bool test_outcome_failed(const struct test_outcome *o)
{
    return o->failure && !o->is_recorded;
}

struct test_totals test_totals_of(const struct test_outcome *outcomes, size_t count)
{
    struct test_totals totals = {0};
    for (size_t i = 0; i < count; i++) {
        totals.recorded += outcomes[i].is_recorded;
        totals.failed += test_outcome_failed(&outcomes[i]);
    }
    totals.passed = count - totals.recorded - totals.failed;
    return totals;
}

void test_report_case(const struct test_outcome *o)
{
    bool colours = has_colours();
    const char *colour = o->is_recorded ? "\033[33m" : o->failure ? "\033[31m" : "\033[32m";
    const char *word = o->is_recorded ? "recorded" : o->failure ? "FAIL" : "ok  ";
    if (o->test == o->file->cases) {
        display_print(slice_of(o->file->path));
        putchar('\n');
    }
    printf("  %s%s%s  ", colours ? colour : "", word, colours ? "\033[0m" : "");
    display_print(slice_of(o->test->name));
    printf("  (%.1f ms)\n", ms(o->took_ns));
    if (o->failure) {
        fputs("        ", stdout);
        display_print(slice_of(o->file->path));
        printf(":%u:%u\n", o->test->line, o->test->column);
        print_failure(o->failure);
    }
    fflush(stdout);
}

void test_report_end(struct test_totals totals, uint64_t took_ns)
{
    printf("%zu passed, ", totals.passed);
    if (totals.recorded > 0)
        printf("%zu recorded, ", totals.recorded);
    printf("%zu failed in %.2f s\n", totals.failed, ms(took_ns) / 1000);
    fflush(stdout);
}

/* ---- JUnit ---- */

/* No Char of XML 1.0 (section 2.2): no UTF-8 (len 0), a control character, U+FFFE, U+FFFF. */
static bool is_beyond_xml(const char *at, size_t len)
{
    if (len == 3)
        return memcmp(at, "\xef\xbf\xbe", 3) == 0 || memcmp(at, "\xef\xbf\xbf", 3) == 0;
    return len == 0 || ((unsigned char)*at < ' ' && *at != '\t' && *at != '\n');
}

static void put_xml_character(FILE *f, const char *at, size_t len)
{
    if (*at == '&')
        fputs("&amp;", f);
    else if (*at == '<')
        fputs("&lt;", f);
    else if (*at == '>')
        fputs("&gt;", f);
    else if (*at == '"')
        fputs("&quot;", f);
    else if (*at == '\n')
        fputs("&#10;", f);
    else if (is_beyond_xml(at, len))
        fputc('?', f);
    else
        fwrite(at, 1, len, f);
}

static void put_xml(FILE *f, const char *text)
{
    for (size_t left = strlen(text), len; left > 0;) {
        len = utf8_length(text, left);
        put_xml_character(f, text, len);
        len += len == 0;
        text += len;
        left -= len;
    }
}

static void put_case(FILE *f, const struct test_outcome *o)
{
    fputs("    <testcase classname=\"", f);
    put_xml(f, o->file->path);
    fputs("\" name=\"", f);
    put_xml(f, o->test->name);
    fprintf(f, "\" file=\"");
    put_xml(f, o->file->path);
    fprintf(f, "\" line=\"%u\" time=\"%.6f\"", o->test->line, ms(o->took_ns) / 1000);
    if (!test_outcome_failed(o)) {
        fputs("/>\n", f);
        return;
    }
    fputs(">\n      <failure message=\"", f);
    char *first = strndup(o->failure, strcspn(o->failure, "\n"));
    put_xml(f, first ? first : "");
    free(first);
    fputs("\">", f);
    put_xml(f, o->failure);
    fputs("</failure>\n    </testcase>\n", f);
}

/* The cases of one file; returns how many. */
static size_t put_suite(FILE *f, const struct test_outcome *outcomes, size_t count)
{
    size_t n = 0;
    while (n < count && outcomes[n].file == outcomes[0].file)
        n++;
    fputs("  <testsuite name=\"", f);
    put_xml(f, outcomes[0].file->path);
    fprintf(f, "\" tests=\"%zu\" failures=\"%zu\">\n", n, test_totals_of(outcomes, n).failed);
    for (size_t i = 0; i < n; i++)
        put_case(f, &outcomes[i]);
    fputs("  </testsuite>\n", f);
    return n;
}

/* A file that could not be read: who looks at the XML alone must not take the rest for all. */
static void put_unreadable(FILE *f, const char *path)
{
    fputs("  <testsuite name=\"", f);
    put_xml(f, path);
    fputs("\" tests=\"1\" failures=\"0\" errors=\"1\">\n    <testcase classname=\"", f);
    put_xml(f, path);
    fputs("\" name=\"can be read\">\n      <error message=\"standard error says why not\"/>\n"
          "    </testcase>\n  </testsuite>\n",
          f);
}

int test_report_junit(const char *path, const struct test_outcome *outcomes, size_t count,
                      const struct test_files *files)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return -errno;
    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%zu\" failures=\"%zu\" "
            "errors=\"%zu\">\n",
            count + files->bad_count, test_totals_of(outcomes, count).failed, files->bad_count);
    for (size_t i = 0; i < files->bad_count; i++)
        put_unreadable(f, files->bad[i]);
    for (size_t i = 0; i < count;)
        i += put_suite(f, outcomes + i, count - i);
    fputs("</testsuites>\n", f);
    errno = 0;
    int error = fflush(f) != 0 || ferror(f) ? -(errno ? errno : EIO) : 0;
    return fclose(f) != 0 && error == 0 ? -errno : error;
}

/* The man pages have what the commands and the tables of keys have. */
#include "cli/manual.h"

#include "cli/case_keys.h"
#include "cli/command_table.h"
#include "cli/options_internal.h"
#include "manifest/manifest_keys.h"
#include "manifest/node_keys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 512 };

static char *page_of(const char *name)
{
    char *page = NULL;
    size_t len;
    FILE *f = open_memstream(&page, &len);
    assert_non_null(f);
    assert_int_equal(manual_write(f, name), 0);
    assert_int_equal(fclose(f), 0);
    return page;
}

/* As a page writes it. */
static char *escaped(const char *text)
{
    char *words = NULL;
    size_t len;
    FILE *f = open_memstream(&words, &len);
    assert_non_null(f);
    manual_words(f, text);
    assert_int_equal(fclose(f), 0);
    return words;
}

static void page_has(const char *page, const char *before, const char *text, const char *after)
{
    char wanted[TEXT_BYTES];
    char *words = escaped(text);
    snprintf(wanted, sizeof wanted, "%s%s%s", before, words, after);
    if (!strstr(page, wanted))
        fail_msg("no '%s' in the page", wanted);
    free(words);
}

static void command_has_its_page(const struct command *command)
{
    char name[TEXT_BYTES];
    snprintf(name, sizeof name, "hark-%s.1", command->name);
    char *page = page_of(name);
    page_has(page, " \\- ", command->summary, "\n");
    for (int i = 0; i < option_count; i++) {
        char words[TEXT_BYTES];
        snprintf(words, sizeof words, "\n\\fB\\-\\-%s\\fR", option_table[i].name);
        char *row = escaped(option_table[i].name);
        snprintf(words, sizeof words, "\n\\fB\\-\\-%s\\fR", row);
        assert_int_equal(strstr(page, words) != NULL, (command->takes & (UINT64_C(1) << i)) != 0);
        free(row);
    }
    assert_non_null(strstr(page, "\n.SH EXIT STATUS\n0 "));
    assert_null(strstr(page, "Exit codes"));
    free(page);
}

static void each_command_has_a_page_with_its_options_and_exit_codes(void **unused)
{
    (void)unused;
    char *overview = page_of("hark.1");
    for (int i = 0; i < command_count; i++) {
        page_has(overview, "\n\\fBhark\\-", command_table[i]->name, "\\fR(1)\n");
        command_has_its_page(command_table[i]);
    }
    free(overview);
}

static void page_has_keys(const char *page, const struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        char name[TEXT_BYTES];
        snprintf(name, sizeof name, "%s%s", keys->prefix, keys->list[i].name);
        page_has(page, "\n.TP\n\\fB", name, "\\fR (");
        page_has(page, ")\n", keys->list[i].meaning, "");
        if (keys->list[i].inside)
            page_has_keys(page, keys->list[i].inside);
    }
}

static void each_kind_of_file_has_a_page_with_its_keys(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        const struct keys *keys;
    } files[] = {
        {"hark-manifest.5", &manifest_keys}, {"hark.yaml.5", &node_keys}, {"hark-test.5", &case_file_keys}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *page = page_of(files[i].name);
        page_has_keys(page, files[i].keys);
        free(page);
    }
}

static void no_text_is_taken_for_a_request(void **unused)
{
    (void)unused;
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    manual_text(f, ".so /etc/passwd");
    manual_text(f, "'so \\x `a-b`");
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, "\\&.so /etc/passwd\n\\(aqso \\ex \\(gaa\\-b\\(ga\n");
    free(text);
}

static void a_page_that_does_not_exist_is_not_written(void **unused)
{
    (void)unused;
    assert_int_equal(manual_write(stdout, "hark-rum.1"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_has_a_page_with_its_options_and_exit_codes),
        cmocka_unit_test(each_kind_of_file_has_a_page_with_its_keys),
        cmocka_unit_test(no_text_is_taken_for_a_request),
        cmocka_unit_test(a_page_that_does_not_exist_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

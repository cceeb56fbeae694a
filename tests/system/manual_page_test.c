/* manual_page_test.c: what formats man pages has nothing to say against ours. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/test.h"

#include <stdio.h>

enum { SCRIPT_BYTES = 1024 };

static struct outcome script_run(const char *script, const char *argument)
{
    const char *const argv[] = {"sh", "-c", script, "sh", argument, NULL};
    return command_run(
        &(struct process_options){.name = "sh", .argv = argv, .environment = "LC_ALL=C.UTF-8"});
}

static void skip_without(const char *program)
{
    if (script_run("command -v \"$1\"", program).code == 0)
        return;
    print_message("%s is not installed here\n", program);
    skip();
}

/* Runs the command for each page, $page. It says nothing when the page is good. */
static void each_page_is_good_to(const char *command)
{
    char script[SCRIPT_BYTES];
    snprintf(script, sizeof script, "for page in \"$1\"/man1/hark-run.1 \"$1\"/man[15]/*; do %s; done",
             command);
    struct outcome o = script_run(script, TEST_MANUAL);
    assert_string_equal(o.err, "");
    assert_string_equal(o.out, "");
}

static void a_page_is_about_what_its_name_says(void **unused)
{
    (void)unused;
    each_page_is_good_to(
        "name=${page##*/}; sed -n '/^.SH NAME/{n;p}' \"$page\" | grep -q \"^${name%.*} .-\" || "
        "echo \"$page is about something else\"");
}

/* A page of a program that is built reproducibly has no date. */
static void mandoc_has_nothing_against_a_page(void **unused)
{
    (void)unused;
    skip_without("mandoc");
    each_page_is_good_to("mandoc -Tlint -Wwarning \"$page\" 2>&1 | grep -v 'missing date'");
}

static void groff_has_nothing_against_a_page(void **unused)
{
    (void)unused;
    skip_without("groff");
    each_page_is_good_to("groff -man -Tutf8 -ww \"$page\" 2>&1 >/dev/null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_page_is_about_what_its_name_says),
        system_test(mandoc_has_nothing_against_a_page),
        system_test(groff_has_nothing_against_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

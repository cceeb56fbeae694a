/* update_test.c: `hark test --update`: what happened becomes what is expected, and the file stays its
 * owner's. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIVEN(words) "  - given: { topic: puppet/do, payload: \"" words "\" }\n"

/* A folder with a puppet and puppet.test.yaml. */
static const char *folder_with(const char *cases)
{
    const char *folder = folder_with_puppet("timeout: 1s\n");
    file_print(path_in(folder, "puppet.test.yaml"), "cases:\n%s", cases);
    return folder;
}

static const char *text_of(const char *path)
{
    size_t len;
    char *text = file_read(path, &len);
    at_end_of_test(free, text);
    return text;
}

static const char *cases_in(const char *folder)
{
    return text_of(path_in(folder, "puppet.test.yaml")) + strlen("cases:\n");
}

/* Afterwards all pass without --update. */
static void assert_recorded(const char *before, const char *after)
{
    const char *folder = folder_with(before);
    struct outcome o = hark_command("test", "--update", folder);
    if (o.code != 0)
        fail_msg("%s%s", o.out, o.err);
    assert_contains(o.out, "  recorded  ");
    assert_string_equal(cases_in(folder), after);
    assert_int_equal(hark_command("test", folder).code, 0);
}

/* And the file stays as it was. */
static void assert_not_recorded(const char *cases, const char *why)
{
    const char *folder = folder_with(cases);
    struct outcome o = hark_command("test", "--update", folder);
    assert_contains(o.out, "  FAIL  ");
    assert_contains(o.out, why);
    assert_int_equal(o.code, 1);
    assert_string_equal(cases_in(folder), cases);
}

static void what_failed_is_recorded_and_passes_from_then_on(void **unused)
{
    (void)unused;
    assert_recorded(GIVEN("say out/a two; keep out/c three") "    expect: { publishes: [ { topic: out/a, "
                                                             "payload: one } ] } # mine\n",
                    GIVEN("say out/a two; keep out/c three") "    expect: { publishes: [ { topic: out/a, "
                                                             "payload: two }, { topic: out/c, payload: "
                                                             "\"three\", retained: true } ] } # mine\n");
    assert_recorded(
        GIVEN("log all is well; reject") "    expect: { log: [ gone ] }\n",
        GIVEN("log all is well; reject") "    expect: { result: reject, log: [ all is well ] }\n");
    assert_recorded("  - given: { topic: puppet/do, payload: reply yes, response_topic: r }\n",
                    "  - given: { topic: puppet/do, payload: reply yes, response_topic: r }\n"
                    "    expect:\n      publishes: []\n      reply: { payload: \"yes\" }\n");
}

static void a_crash_and_a_timeout_are_results_too(void **unused)
{
    (void)unused;
    assert_recorded(
        GIVEN("crash") "    expect: {}\n" GIVEN("hang") "    expect: { result: ok }\n",
        GIVEN("crash") "    expect: { result: crash }\n" GIVEN("hang") "    expect: { result: timeout }\n");
}

static void what_passes_is_not_touched(void **unused)
{
    (void)unused;
    const char *folder = folder_with(GIVEN("say out/a x") "    expect:   { publishes: [ {} ] }\n");
    struct stat before, after;
    assert_int_equal(stat(path_in(folder, "puppet.test.yaml"), &before), 0);
    struct outcome o = hark_command("test", "--update", folder);
    assert_int_equal(stat(path_in(folder, "puppet.test.yaml"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_contains(o.out, "1 passed, 0 failed in ");
    assert_int_equal(o.code, 0);
}

static void what_differs_from_run_to_run_is_not_recorded(void **unused)
{
    (void)unused;
    assert_not_recorded(GIVEN("clock out/t") "    expect: { publishes: [] }\n",
                        "        not recorded: in a second run it was otherwise:\n"
                        "        publishes: - is missing, + was not expected\n");
}

static void what_the_file_cannot_say_is_not_recorded(void **unused)
{
    (void)unused;
    assert_not_recorded(
        "  - given: [ { topic: puppet/do, payload: reject }, { topic: puppet/do } ]\n",
        "        not recorded: of several messages only the last may end otherwise than well\n");
    assert_not_recorded("  - given: { topic: elsewhere }\n    expect: {}\n",
                        "        not recorded: it could not be run\n");
    assert_not_recorded(GIVEN("work 60") "    expect: { within: 50ms }\n",
                        "        not recorded: 'within' is a person's to change\n");
}

static void a_broken_function_is_not_recorded(void **unused)
{
    (void)unused;
    const char *folder = folder_with(GIVEN("say out/a x") "    expect: {}\n");
    file_print(path_in(folder, "puppet.so"), "no library");
    struct outcome o = hark_command("test", "--update", folder);
    assert_contains(o.out, "        not recorded: it could not be run\n");
    assert_int_equal(o.code, 1);
    assert_string_equal(cases_in(folder), GIVEN("say out/a x") "    expect: {}\n");
}

static void a_file_that_is_not_good_is_left_alone(void **unused)
{
    (void)unused;
    const char *folder = folder_with(GIVEN("reject") "    expct: {}\n");
    struct outcome o = hark_command("test", "--update", folder);
    assert_contains(o.err, "puppet.test.yaml:3:5: unknown key 'expct'");
    assert_int_equal(o.code, BAD_DATA);
    assert_string_equal(cases_in(folder), GIVEN("reject") "    expct: {}\n");
}

static void a_link_stays_a_link_and_the_mode_stays(void **unused)
{
    (void)unused;
    const char *folder = folder_with(GIVEN("reject") "    expect: {}\n");
    const char *real = path_in(folder_create(), "elsewhere.yaml"),
               *path = path_in(folder, "puppet.test.yaml");
    struct stat s;
    assert_int_equal(rename(path, real), 0);
    assert_int_equal(chmod(real, 0640), 0);
    assert_int_equal(symlink(real, path), 0);
    assert_int_equal(hark_command("test", "--update", path).code, 0);
    assert_int_equal(lstat(path, &s), 0);
    assert_true(S_ISLNK(s.st_mode));
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 07777, 0640);
    assert_string_equal(text_of(real), "cases:\n" GIVEN("reject") "    expect: { result: reject }\n");
}

static void a_file_that_may_not_be_written_is_one_clear_error(void **unused)
{
    (void)unused;
    static const char cases[] = GIVEN("reject") "    expect: {}\n";
    const char *folder = folder_with(cases), *path = path_in(folder, "puppet.test.yaml");
    const char *const argv[] = {TEST_HARK, "test", "--update", folder, NULL};
    assert_int_equal(chmod(path, 0444), 0);
    struct outcome o =
        command_run(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = true});
    char line[512];
    snprintf(line, sizeof line, "hark: error: %s: cannot be written: Permission denied\n", path);
    assert_contains(o.err, line);
    assert_contains(o.out, "        not recorded: its file could not be written\n");
    assert_int_equal(o.code, NOT_PERMITTED);
    assert_string_equal(cases_in(folder), cases);
}

static void machines_are_told_that_recorded_cases_pass(void **unused)
{
    (void)unused;
    const char *folder = folder_with(GIVEN("reject") "    name: it is\n    expect: {}\n");
    const char *xml = path_in(folder, "junit.xml");
    struct outcome o = hark_command("test", "--update", "--tap", "--junit", xml, folder);
    assert_contains(o.out, "\nok 1 - ");
    assert_contains(text_of(xml), "<testsuites tests=\"1\" failures=\"0\" errors=\"0\">\n");
    assert_int_equal(o.code, 0);
}

static void the_option_takes_no_value(void **unused)
{
    (void)unused;
    assert_refused(hark_command("test", "--update=all"), USAGE,
                   "--update takes no value: see 'hark test --help'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(what_failed_is_recorded_and_passes_from_then_on),
        system_test(a_crash_and_a_timeout_are_results_too),
        system_test(what_passes_is_not_touched),
        system_test(what_differs_from_run_to_run_is_not_recorded),
        system_test(what_the_file_cannot_say_is_not_recorded),
        system_test(a_broken_function_is_not_recorded),
        system_test(a_file_that_is_not_good_is_left_alone),
        system_test(a_link_stays_a_link_and_the_mode_stays),
        system_test(a_file_that_may_not_be_written_is_one_clear_error),
        system_test(machines_are_told_that_recorded_cases_pass),
        system_test(the_option_takes_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* case_test.c: `hark test`: cases run in real workers, and what is said of those that fail. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/test.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with a puppet and these cases; `test` runs them. */
static const char *folder_with_cases(const char *cases)
{
    const char *folder = folder_with_puppet("timeout: 2s\nconfig: { word: manifest }\n");
    file_print(path_in(folder, "puppet.test.yaml"), "cases:\n%s", cases);
    return folder;
}

static struct outcome test(const char *cases)
{
    return hark_command("test", folder_with_cases(cases));
}

/* Of one case that fails, what stands below its place. */
static void assert_fails(const char *one, const char *why)
{
    struct outcome o = test(one);
    assert_int_equal(o.code, 1);
    assert_contains(o.out, "  FAIL  ");
    assert_contains(o.out, "puppet.test.yaml:2:5\n");
    assert_contains(o.out, why);
    assert_contains(o.out, "0 passed, 1 failed in ");
}

#define GIVEN(words) "  - given: { topic: puppet/do, payload: \"" words "\" }\n"

static void the_examples_pass(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("test", TEST_EXAMPLES);
    if (o.code != 0)
        fail_msg("%s%s", o.out, o.err);
    assert_contains(o.out, "  ok    a cold room turns its heater on  (");
    assert_contains(o.out, " passed, 0 failed in ");
}

/* Of the manifests in a folder. */
static void each_has_cases_that_passed(const char *folder, const char *out)
{
    glob_t found;
    assert_int_equal(glob(path_in(folder, "*.yaml"), 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char header[PATH_MAX];
        const char *path = found.gl_pathv[i];
        int len = (int)(strlen(path) - strlen(".yaml"));
        snprintf(header, sizeof header, "%.*s.test.yaml\n  ok    ", len, path);
        if (!strstr(path, ".test.yaml"))
            assert_contains(out, header);
    }
    globfree(&found);
}

static void each_example_has_cases(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("test", TEST_EXAMPLES);
    assert_int_equal(o.code, 0);
    each_has_cases_that_passed(TEST_EXAMPLES, o.out);
    each_has_cases_that_passed(TEST_EXAMPLES "/languages", o.out);
}

static void each_way_to_end_can_be_expected(void **unused)
{
    (void)unused;
    struct outcome o = test(GIVEN("say out/a x") "    expect: { result: ok }\n" GIVEN(
        "retry") "    expect: { result: retry }\n" GIVEN("reject") "    expect: { result: reject "
                                                                   "}\n" GIVEN(
                                                                       "crash") "    expect: { "
                                                                                "result: crash "
                                                                                "}\n" GIVEN(
                                                                                    "han"
                                                                                    "g") "    expect: { "
                                                                                         "result: timeout "
                                                                                         "}\n");
    assert_contains(o.out, "5 passed, 0 failed in ");
    assert_int_equal(o.code, 0);
}

static void another_end_is_told_with_its_reason(void **unused)
{
    (void)unused;
    assert_fails(GIVEN("crash"), "        result: expected ok, was crash: killed by SIG");
    assert_fails(GIVEN("say out/a x") "    expect: { result: reject }\n",
                 "        result: expected reject, was ok\n");
}

/* With a back reference the text is tried in every way to be cut into four: a billion. */
static void a_pattern_that_takes_too_long_is_given_up(void **unused)
{
    (void)unused;
    char one[600] = "  - given: { topic: puppet/do, payload: \"say out/a ";
    memset(one + strlen(one), 'a', 250);
    strcat(one,
           "\" }\n    expect: { publishes: [ { payload_matches: '(.*)(.*)(.*)(.*)\\1\\2\\3\\4c' } ] }\n");
    assert_fails(one,
                 "puppet.test.yaml:3:47: given up: to try this takes more than 1 s of CPU time or 256 MiB: "
                 "write a simpler one\n");
}

static void outputs_are_compared_one_by_one(void **unused)
{
    (void)unused;
    assert_fails(
        GIVEN("say out/a one; say out/b two; keep out/c three") "    expect:\n      publishes:\n"
                                                                "        - { topic: out/a, payload: one }\n"
                                                                "        - { topic: out/b, payload: zwei }\n",
        "        publishes: - is missing, + was not expected\n"
        "            out/a  one\n"
        "          - out/b  zwei\n"
        "          + out/b  two  qos=1\n"
        "          + out/c  three  qos=1 retained\n");
}

static void the_order_counts_unless_it_does_not(void **unused)
{
    (void)unused;
    static const char wrong[] = "      publishes: [ { topic: out/b }, { topic: out/a } ]\n";
    char cases[512];
    snprintf(cases, sizeof cases, "%s    expect:\n%s", GIVEN("say out/a 1; say out/b 2"), wrong);
    assert_fails(cases, "          - out/a\n          + out/a  1  qos=1\n");
    snprintf(cases, sizeof cases, "%s    expect:\n      order: any\n%s", GIVEN("say out/a 1; say out/b 2"),
             wrong);
    assert_int_equal(test(cases).code, 0);
}

static void a_reply_is_apart_from_what_is_published(void **unused)
{
    (void)unused;
    static const char asked[] =
        "  - given: { topic: puppet/do, payload: reply yes, response_topic: r, correlation: c }\n"
        "    expect: { publishes: [], ";
    char cases[512];
    snprintf(cases, sizeof cases, "%sreply: { payload: \"yes\", correlation: c } }\n", asked);
    assert_int_equal(test(cases).code, 0);
    snprintf(cases, sizeof cases, "%sreply: none }\n", asked);
    assert_fails(
        cases, "        reply: - is missing, + was not expected\n          + r  yes  qos=1  correlation=c\n");
    snprintf(cases, sizeof cases, "%sreply: { payload: \"no\" } }\n", asked);
    assert_fails(cases, "          - (a reply)  no\n          + r  yes  qos=1  correlation=c\n");
}

static void a_line_of_the_log_can_be_expected(void **unused)
{
    (void)unused;
    assert_int_equal(
        test(GIVEN("log all is well") "    expect: { log: [ is, { matches: \"^all .* well$\" } ] }\n").code,
        0);
    assert_fails(GIVEN("log all is well") "    expect: { log: [ { matches: \"^is\" } ] }\n",
                 "        log: no line matches ^is\n        the function's log:\n          | all is well\n");
}

static void each_case_has_a_worker_of_its_own(void **unused)
{
    (void)unused;
    struct outcome o = test(GIVEN("count out/n") "    expect: { publishes: [ { payload: \"1\" } ] }\n" GIVEN(
        "count out/n") "    expect: { publishes: [ { payload: \"1\" } ] }\n");
    assert_contains(o.out, "2 passed, 0 failed");
}

static void what_comes_before_reaches_the_same_worker_and_does_not_count(void **unused)
{
    (void)unused;
    struct outcome o = test("  - before: { topic: puppet/do, payload: count out/n; log early }\n"
                            "    given: { topic: puppet/do, payload: count out/n }\n"
                            "    expect: { publishes: [ { topic: out/n, payload: \"2\" } ] }\n");
    assert_int_equal(o.code, 0);
    assert_fails("  - before: { topic: puppet/do, payload: reject }\n    given: { topic: puppet/do }\n",
                 "        result: expected ok, was reject (message 1 of 2, before)\n");
}

static void values_of_config_stand_over_those_of_the_manifest(void **unused)
{
    (void)unused;
    struct outcome o =
        test(GIVEN("config out/w word") "    expect: { publishes: [ { payload: manifest } ] }\n" GIVEN(
            "config out/w word") "    config: { word: case }\n    expect: { publishes: [ { payload: case } ] "
                                 "}\n");
    assert_contains(o.out, "2 passed, 0 failed");
}

static void the_attempt_can_be_given(void **unused)
{
    (void)unused;
    assert_int_equal(test("  - given: { topic: puppet/do, payload: attempt out/n, attempt: 3 }\n"
                          "    expect: { publishes: [ { payload: \"3\" } ] }\n")
                         .code,
                     0);
}

static void a_slow_message_is_told_by_how_much(void **unused)
{
    (void)unused;
    assert_fails(GIVEN("work 60") "    expect: { within: 50ms }\n", "        within: message 1 took ");
    assert_int_equal(test(GIVEN("work 10") "    expect: { within: 10s }\n").code, 0);
}

static void a_message_that_fires_nothing_is_told_with_its_place(void **unused)
{
    (void)unused;
    assert_fails("  - given: { topic: elsewhere }\n",
                 "puppet.test.yaml:2:12: topic 'elsewhere' does not trigger the function, which listens to "
                 "'puppet/do'\n");
}

static void a_function_that_is_not_there_fails_its_cases(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    file_print(path_in(folder, "gone.test.yaml"), "cases: [ { given: { topic: a } } ]\n");
    struct outcome o = hark_command("test", folder);
    assert_contains(o.out, "gone.yaml");
    assert_contains(o.out, "0 passed, 1 failed");
    assert_int_equal(o.code, 1);
}

static void a_bad_file_is_said_and_the_others_run(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(GIVEN("say out/a x"));
    file_print(path_in(folder, "bad.test.yaml"), "casess: 1\n");
    struct outcome o = hark_command("test", folder);
    assert_contains(o.err, "/bad.test.yaml:1:1: unknown key 'casess': did you mean 'cases'?\n");
    assert_contains(o.out, "1 passed, 0 failed");
    assert_int_equal(o.code, BAD_DATA);
}

static void no_cases_are_an_error(void **unused)
{
    (void)unused;
    assert_refused(hark_command("test", folder_create()), BAD_DATA, "no test cases found");
    assert_refused(hark_command("test", "/nowhere/at/all"), BAD_DATA,
                   "/nowhere/at/all: No such file or directory");
}

static void links_lead_to_cases(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(GIVEN("say out/a x")), *link = path_in(folder_create(), "link");
    assert_int_equal(symlink(folder, link), 0);
    assert_contains(hark_command("test", link).out, "1 passed, 0 failed");
    assert_int_equal(symlink("puppet.yaml", path_in(folder, "other.yaml")), 0);
    assert_int_equal(symlink("puppet.test.yaml", path_in(folder, "other.test.yaml")), 0);
    assert_int_equal(symlink(".", path_in(folder, "circle")), 0);
    assert_contains(hark_command("test", folder, path_in(link, "puppet.test.yaml")).out,
                    "2 passed, 0 failed");
    assert_int_equal(symlink("nowhere", path_in(folder, "gone.test.yaml")), 0);
    assert_contains(hark_command("test", folder).err, "/gone.test.yaml: No such file or directory\n");
}

static void the_function_is_not_taken_for_its_cases(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(GIVEN("say out/a x"));
    assert_refused(hark_command("test", path_in(folder, "puppet.yaml")), BAD_DATA,
                   "/puppet.yaml: no test cases: they are in ");
    assert_refused(hark_command("test", path_in(folder, "puppet.so")), BAD_DATA,
                   "/puppet.test.yaml, name that\n");
}

static void junit_has_every_case_and_escapes_what_xml_must(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(
        GIVEN("say out/a <&>") "    name: \"good <&> case\"\n" GIVEN("reject") "    name: bad\n");
    const char *xml = path_in(folder, "junit.xml");
    assert_int_equal(hark_command("test", "--junit", xml, folder).code, 1);
    size_t len;
    char *text = file_read(xml, &len);
    at_end_of_test(free, text);
    assert_contains(text, "<testsuites tests=\"2\" failures=\"1\" errors=\"0\">\n");
    assert_contains(text, " name=\"good &lt;&amp;&gt; case\" file=\"");
    assert_contains(text, "<failure message=\"result: expected ok, was reject\">");
    struct outcome o = hark_command("test", "--junit", "/nowhere/junit.xml", folder);
    assert_contains(o.err, "hark: error: /nowhere/junit.xml: cannot be written: No such file or directory\n");
    assert_int_equal(o.code, 70);
    /* In sysfs not even root makes a file. */
    assert_int_equal(hark_command("test", "--junit", "/sys/junit.xml", folder).code, 77);
}

/* U+FFFE is no character of XML, a path may be no UTF-8, and a terminal obeys ESC. */
static void odd_names_harm_neither_the_xml_nor_the_terminal(void **unused)
{
    (void)unused;
    const char *folder =
        folder_with_cases(GIVEN("say out/a x") "    name: \"a\\n  ok\\e[31m\\uFFFE\\uFFFD\"\n");
    const char *odd = path_in(folder, "\xff\033.test.yaml"), *xml = path_in(folder, "junit.xml");
    assert_int_equal(rename(path_in(folder, "puppet.test.yaml"), odd), 0);
    assert_int_equal(rename(path_in(folder, "puppet.yaml"), path_in(folder, "\xff\033.yaml")), 0);
    struct outcome o = hark_command("test", "--junit", xml, folder);
    assert_contains(o.out, "/\\xff\\x1b.test.yaml\n  ok    a\\x0a  ok\\x1b[31m\xef\xbf\xbe");
    size_t len;
    char *text = file_read(xml, &len);
    at_end_of_test(free, text);
    assert_contains(text, " name=\"a&#10;  ok?[31m?\xef\xbf\xbd\" file=\"");
    assert_contains(text, "/??.test.yaml\" line=");
    assert_int_equal(o.code, 0);
}

static void tap_has_a_plan_and_a_point_for_each_case(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(
        GIVEN("say out/a x") "    name: \"good # TODO \\\\ case\"\n" GIVEN("reject") "    name: bad\n");
    struct outcome o = hark_command("test", "--tap", folder);
    char good[256], bad[256];
    snprintf(good, sizeof good, "TAP version 13\n1..2\nok 1 - %s/puppet.test.yaml: good \\# TODO \\\\ case\n",
             folder);
    snprintf(bad, sizeof bad,
             "\nnot ok 2 - %s/puppet.test.yaml: bad\n  ---\n"
             "  message: \"result: expected ok, was reject\"\n  severity: fail\n"
             "  file: \"%s/puppet.test.yaml\"\n  line: 4\n  column: 5\n  duration_ms: ",
             folder, folder);
    assert_int_equal(strncmp(o.out, good, strlen(good)), 0);
    assert_contains(o.out, bad);
    assert_contains(o.out, "\n  details: |\n    result: expected ok, was reject\n  ...\n");
    assert_int_equal(o.code, 1);
}

static void tap_counts_a_file_that_cannot_be_read_as_a_failure(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(GIVEN("say out/a x"));
    file_print(path_in(folder, "bad.test.yaml"), "cases: 1\n");
    struct outcome o = hark_command("test", "--tap", folder);
    assert_contains(o.out, "1..2\nnot ok 1 - ");
    assert_contains(o.out, "/bad.test.yaml: cannot be read, standard error says why\nok 2 - ");
    assert_int_equal(o.code, BAD_DATA);
}

static void junit_counts_it_as_an_error(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(GIVEN("say out/a x")), *xml = path_in(folder, "junit.xml");
    file_print(path_in(folder, "bad.test.yaml"), "cases: 1\n");
    assert_int_equal(hark_command("test", "--junit", xml, folder).code, BAD_DATA);
    size_t len;
    char *text = file_read(xml, &len);
    at_end_of_test(free, text);
    assert_contains(text, "<testsuites tests=\"2\" failures=\"0\" errors=\"1\">\n");
    assert_contains(
        text,
        "/bad.test.yaml\" name=\"can be read\">\n      <error message=\"standard error says why not\"/>");
}

static void tap_bails_out_where_nothing_can_run(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("test", "--tap", folder_create());
    assert_string_equal(o.out, "Bail out! no case could be run, standard error says why\n");
    assert_int_equal(o.code, BAD_DATA);
}

static void tap_and_junit_go_together(void **unused)
{
    (void)unused;
    const char *folder = folder_with_cases(GIVEN("say out/a x"));
    const char *xml = path_in(folder, "junit.xml");
    struct outcome o = hark_command("test", "--tap", "--junit", xml, folder);
    size_t len;
    char *text = file_read(xml, &len);
    at_end_of_test(free, text);
    assert_contains(text, "<testsuites tests=\"1\" failures=\"0\" errors=\"0\">\n");
    assert_contains(o.out, "\nok 1 - ");
    assert_int_equal(o.code, 0);
}

static struct outcome test_as_nobody(const char *path)
{
    const char *const argv[] = {TEST_HARK, "test", path, NULL};
    return command_run(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = true});
}

static void what_may_not_be_read_is_not_permitted(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *inside = path_in(folder, "inside");
    assert_int_equal(mkdir(inside, 0), 0);
    struct outcome o = test_as_nobody(folder);
    assert_int_equal(rmdir(inside), 0);
    assert_contains(o.err, "/inside: Permission denied\n");
    assert_int_equal(o.code, NOT_PERMITTED);
    const char *file = path_in(folder, "one.test.yaml");
    file_print(file, "cases: []\n");
    assert_int_equal(chmod(file, 0), 0);
    o = test_as_nobody(folder);
    assert_contains(o.err, "/one.test.yaml: Permission denied\n");
    assert_int_equal(o.code, NOT_PERMITTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(the_examples_pass),
        system_test(each_example_has_cases),
        system_test(each_way_to_end_can_be_expected),
        system_test(another_end_is_told_with_its_reason),
        system_test(a_pattern_that_takes_too_long_is_given_up),
        system_test(outputs_are_compared_one_by_one),
        system_test(the_order_counts_unless_it_does_not),
        system_test(a_reply_is_apart_from_what_is_published),
        system_test(a_line_of_the_log_can_be_expected),
        system_test(each_case_has_a_worker_of_its_own),
        system_test(what_comes_before_reaches_the_same_worker_and_does_not_count),
        system_test(values_of_config_stand_over_those_of_the_manifest),
        system_test(the_attempt_can_be_given),
        system_test(a_slow_message_is_told_by_how_much),
        system_test(a_message_that_fires_nothing_is_told_with_its_place),
        system_test(a_function_that_is_not_there_fails_its_cases),
        system_test(a_bad_file_is_said_and_the_others_run),
        system_test(no_cases_are_an_error),
        system_test(links_lead_to_cases),
        system_test(the_function_is_not_taken_for_its_cases),
        system_test(junit_has_every_case_and_escapes_what_xml_must),
        system_test(odd_names_harm_neither_the_xml_nor_the_terminal),
        system_test(tap_has_a_plan_and_a_point_for_each_case),
        system_test(tap_counts_a_file_that_cannot_be_read_as_a_failure),
        system_test(junit_counts_it_as_an_error),
        system_test(tap_bails_out_where_nothing_can_run),
        system_test(tap_and_junit_go_together),
        system_test(what_may_not_be_read_is_not_permitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

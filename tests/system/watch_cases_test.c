/* watch_cases_test.c: `hark test --watch`: what changes is tested again, and nothing else. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIVEN(words) "  - given: { topic: puppet/do, payload: \"" words "\" }\n"

static const char passing[] = "cases:\n" GIVEN("say out/a x");
static const char failing[] = "cases:\n" GIVEN("reject");

struct watched {
    const char *folder;
    struct process *process;
};

static struct process *start(const char *folder, const char *path)
{
    const char *const argv[] = {TEST_HARK, "test", "--watch", "--functions", folder, path, NULL};
    return process_start(&(struct process_options){.name = "hark test", .argv = argv});
}

/* A folder with a puppet and these cases, tested once. */
static struct watched watch(const char *cases)
{
    struct watched w = {.folder = folder_with_puppet("timeout: 2s\n")};
    file_print(path_in(w.folder, "puppet.test.yaml"), "%s", cases);
    w.process = start(w.folder, w.folder);
    lines_wait(w.process->err, "^hark: watching 1 file of test cases");
    return w;
}

static void then(const struct watched *w, const char *totals)
{
    lines_wait(w->process->out, totals);
    lines_wait(w->process->err, "^hark: watching ");
}

#define PASSES "^1 passed, 0 failed in "
#define FAILS  "^0 passed, 1 failed in "

static void a_saved_file_is_tested_again(void **unused)
{
    (void)unused;
    struct watched w = watch(passing);
    lines_wait(w.process->out, PASSES);
    file_print(path_in(w.folder, "puppet.test.yaml"), "%s", failing);
    then(&w, FAILS);
    file_print(path_in(w.folder, "puppet.test.yaml"), "%s", passing);
    then(&w, PASSES);
}

static void a_file_renamed_over_it_is_a_save(void **unused)
{
    (void)unused;
    struct watched w = watch(passing);
    lines_wait(w.process->out, PASSES);
    const char *beside = path_in(w.folder, ".puppet.test.yaml.swp");
    for (int i = 0; i < 2; i++) {
        file_print(beside, "%s", i == 0 ? failing : passing);
        assert_int_equal(rename(beside, path_in(w.folder, "puppet.test.yaml")), 0);
        then(&w, i == 0 ? FAILS : PASSES);
    }
}

static void manifest_and_handler_count_as_well(void **unused)
{
    (void)unused;
    struct watched w =
        watch("cases:\n" GIVEN("build out/n; config out/n word") "    expect: { publishes: [ { "
                                                                 "payload: one }, { payload: "
                                                                 "none } ] }\n");
    lines_wait(w.process->out, PASSES);
    file_replace(path_in(TEST_PUPPETS, "puppet-two.so"), path_in(w.folder, "puppet.so"));
    lines_wait(w.process->out, "\\+ out/n  two");
    then(&w, FAILS);
    file_replace(path_in(TEST_PUPPETS, "puppet.so"), path_in(w.folder, "puppet.so"));
    then(&w, PASSES);
    file_print(path_in(w.folder, "puppet.yaml"),
               "function: puppet\nhandler: puppet.so\ntriggers: [ { topic: puppet/do } ]\n"
               "publishes: [ \"out/#\" ]\nconfig: { word: manifest }\n");
    lines_wait(w.process->out, "\\+ out/n  manifest");
    then(&w, FAILS);
}

/* In one step: a file seen half written would be one change more. */
static void save(const struct watched *w, const char *name, const char *first, const char *rest)
{
    const char *beside = path_in(w->folder, ".beside");
    file_print(beside, "%s%s", first, rest);
    assert_int_equal(rename(beside, path_in(w->folder, name)), 0);
}

static void only_what_a_change_is_about_runs_again(void **unused)
{
    (void)unused;
    struct watched w = watch(passing);
    lines_wait(w.process->out, PASSES);
    save(&w, "other.test.yaml", "function: puppet.yaml\n", failing);
    then(&w, FAILS);
    save(&w, "other.test.yaml", "# again\nfunction: puppet.yaml\n", failing);
    then(&w, FAILS);
    assert_int_equal(lines_count(w.process->out, "/other\\.test\\.yaml$"), 2);
    assert_int_equal(lines_count(w.process->out, "/puppet\\.test\\.yaml$"), 1);
}

static void new_files_and_folders_are_noticed_and_old_ones_missed(void **unused)
{
    (void)unused;
    struct watched w = watch(passing);
    assert_int_equal(mkdir(path_in(w.folder, "more"), 0755), 0);
    file_print(path_in(w.folder, "more/new.test.yaml"), "function: ../puppet.yaml\n%s", failing);
    lines_wait(w.process->out, "/more/new\\.test\\.yaml$");
    then(&w, FAILS);
    file_remove(path_in(w.folder, "more/new.test.yaml"));
    lines_wait(w.process->err, "^hark: .*/more/new\\.test\\.yaml is gone$");
}

static void a_folder_may_vanish_and_come_back(void **unused)
{
    (void)unused;
    const char *home = folder_with_puppet(""), *away = path_in(home, "away"), *cases = path_in(home, "cases");
    assert_int_equal(mkdir(cases, 0755), 0);
    file_print(path_in(cases, "a.test.yaml"), "function: ../puppet.yaml\n%s", passing);
    struct watched w = {home, start(home, cases)};
    lines_wait(w.process->err, "^hark: watching 1 file of test cases");
    lines_wait(w.process->out, PASSES);
    assert_int_equal(rename(cases, away), 0);
    lines_wait(w.process->err, "/cases/a\\.test\\.yaml is gone$");
    assert_int_equal(rename(away, cases), 0);
    then(&w, PASSES);
}

static void a_bad_file_is_said_and_waited_for(void **unused)
{
    (void)unused;
    struct watched w = watch("cases: 1\n");
    assert_int_equal(lines_count(w.process->err, "/puppet\\.test\\.yaml:1:8: "), 1);
    file_print(path_in(w.folder, "puppet.test.yaml"), "%s", passing);
    then(&w, PASSES);
}

static void test_cases_may_come_later(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    struct watched w = {folder, start(folder, folder)};
    lines_wait(w.process->err, "^hark: watching 0 files of test cases");
    file_print(path_in(folder, "puppet.test.yaml"), "%s", passing);
    then(&w, PASSES);
}

static void an_interrupt_ends_it_well(void **unused)
{
    (void)unused;
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        struct watched w = watch(failing);
        process_signal(w.process, signals[i]);
        assert_int_equal(process_wait(w.process), 0);
        process_drain(w.process); /* its workers are gone too */
        assert_int_equal(lines_count(w.process->out, "\033"), 0);
        assert_int_equal(lines_count(w.process->err, "error"), 0);
    }
}

static void an_interrupt_does_not_wait_for_a_case(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("timeout: 1h\n");
    file_print(path_in(folder, "puppet.test.yaml"),
               "cases:\n" GIVEN("say out/a x") GIVEN("hang") GIVEN("hang") GIVEN("hang"));
    struct process *p = start(folder, folder);
    lines_wait(p->out, "^  ok    puppet/do ");
    process_signal(p, SIGINT);
    assert_int_equal(process_wait(p), 0);
    process_drain(p);
    assert_int_equal(lines_count(p->out, "FAIL"), 0);
}

/* The terminal's interrupt goes to all that is in its foreground, the workers' parents too. */
static void a_terminal_is_cleared_between_and_left_clean(void **unused)
{
    (void)unused;
    struct watched w = {.folder = folder_with_puppet("")};
    char line[512];
    file_print(path_in(w.folder, "puppet.test.yaml"), "%s", passing);
    snprintf(line, sizeof line, "exec %s test --watch %s", TEST_HARK, w.folder); /* no shell for ^C to end */
    const char *const argv[] = {"script", "-qec", line, "/dev/null", NULL};
    w.process =
        process_start(&(struct process_options){.name = "script", .argv = argv, .takes_orders = true});
    lines_wait(w.process->out, "watching 1 file of test cases");
    save(&w, "puppet.test.yaml", "", failing);
    lines_wait(w.process->out, "^\033\\[H\033\\[2J/");
    lines_wait(w.process->out, "^0 passed, 1 failed in ");
    lines_wait(w.process->out, "watching 1 file of test cases");
    process_order(w.process, "\003");
    assert_int_equal(process_wait(w.process), 0);
    process_drain(w.process);
    assert_int_equal(lines_count(w.process->out, "error: "), 0);
    assert_int_equal(lines_count(w.process->out, "\033\\[2J"), 1);
}

static void it_goes_with_no_option_that_writes_results(void **unused)
{
    (void)unused;
    assert_refused(hark_command("test", "--watch", "--update"), USAGE,
                   "--watch and --update do not go together: see 'hark test --help'");
    assert_refused(hark_command("test", "--watch", "--tap"), USAGE, "--watch and --tap do not go together");
    assert_refused(hark_command("test", "--watch", "--junit", "x"), USAGE,
                   "--watch and --junit do not go together");
    assert_refused(hark_command("test", "--watch=1"), USAGE, "--watch takes no value");
    assert_refused(hark_command("test", "--watch", "/nowhere/at/all"), BAD_DATA,
                   "/nowhere/at/all: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_saved_file_is_tested_again),
        system_test(a_file_renamed_over_it_is_a_save),
        system_test(manifest_and_handler_count_as_well),
        system_test(only_what_a_change_is_about_runs_again),
        system_test(new_files_and_folders_are_noticed_and_old_ones_missed),
        system_test(a_folder_may_vanish_and_come_back),
        system_test(a_bad_file_is_said_and_waited_for),
        system_test(test_cases_may_come_later),
        system_test(an_interrupt_ends_it_well),
        system_test(an_interrupt_does_not_wait_for_a_case),
        system_test(a_terminal_is_cleared_between_and_left_clean),
        system_test(it_goes_with_no_option_that_writes_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

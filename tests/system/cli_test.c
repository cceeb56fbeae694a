/* cli_test.c: what the commands say, where they say it, and the exit codes that scripts rely on. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/stage.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* any command */

static void the_version_goes_to_standard_output(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("--version");
    assert_string_equal(o.out, "hark " HARK_VERSION "\n");
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, 0);
}

static void help_names_every_command(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("--help");
    assert_int_equal(o.code, 0);
    const char *const commands[] = {"new",    "run",    "dev",  "check", "invoke", "test",
                                    "record", "replay", "diff", "dead",  "doctor", "completion"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char usage[32];
        assert_contains(o.out, commands[i]);
        struct outcome own = hark_command(commands[i], "--help");
        snprintf(usage, sizeof usage, "usage: hark %s", commands[i]);
        assert_contains(own.out, usage);
        assert_int_equal(own.code, 0);
        assert_string_equal(hark_command("help", commands[i]).out, own.out);
    }
    assert_refused(hark_command("help", "rum"), USAGE, "did you mean 'run'");
}

static void a_command_that_does_not_exist_is_a_usage_error(void **unused)
{
    (void)unused;
    assert_refused(hark_command("rum"), USAGE, "did you mean 'run'");
    assert_refused(command_run(&(struct process_options){.name = "hark",
                                                         .argv = (const char *const[]){TEST_HARK, NULL}}),
                   USAGE, "no command");
}

/* What a command opens must not get the number of a standard descriptor. */
static void closed_standard_descriptors_do_no_harm(void **unused)
{
    (void)unused;
    const char *const closed[] = {"<&-", "2>&-", "<&- 2>&-"};
    const char *folder = folder_create();
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        char script[64];
        snprintf(script, sizeof script, "exec \"$0\" check \"$1\" %s", closed[i]);
        const char *const argv[] = {"sh", "-c", script, TEST_HARK, folder, NULL};
        struct outcome o = command_run(&(struct process_options){.name = "hark", .argv = argv});
        assert_string_equal(o.out, "");
        assert_int_equal(o.code, 0);
    }
}

static void output_that_cannot_be_written_is_no_success(void **unused)
{
    (void)unused;
    const char *const redirected[] = {">/dev/full", ">&-"};
    for (size_t i = 0; i < sizeof redirected / sizeof *redirected; i++) {
        char script[64];
        snprintf(script, sizeof script, "exec \"$0\" completion bash %s", redirected[i]);
        const char *const argv[] = {"sh", "-c", script, TEST_HARK, NULL};
        assert_refused(command_run(&(struct process_options){.name = "hark", .argv = argv}), 70,
                       "standard output cannot be written");
    }
}

static void output_that_cannot_be_written_is_said_of_what_failed_too(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    file_print(path_in(folder, "gone.test.yaml"), "cases: [ { given: { topic: a } } ]\n");
    const char *const argv[] = {"sh", "-c", "exec \"$0\" test \"$1\" >/dev/full", TEST_HARK, folder, NULL};
    assert_refused(command_run(&(struct process_options){.name = "hark", .argv = argv}), 1,
                   "standard output cannot be written");
}

static void few_descriptors_are_enough_for_a_worker(void **unused)
{
    (void)unused;
    const char *so = own_copy(TEST_FUNCTIONS, "relay.so");
    const char *const argv[] = {"sh", "-c", "ulimit -n 64 && exec \"$0\" check \"$1\"", TEST_HARK, so, NULL};
    struct outcome o = command_run(&(struct process_options){.name = "hark", .argv = argv});
    assert_string_equal(o.out, "");
    assert_int_equal(o.code, 0);
}

static void an_option_that_does_not_exist_is_a_usage_error(void **unused)
{
    (void)unused;
    const char *const commands[] = {"new",    "run",    "dev",  "check", "invoke", "test",
                                    "record", "replay", "diff", "dead",  "doctor", "completion"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        assert_refused(hark_command(commands[i], "--colour"), USAGE, "--colour");
    assert_refused(hark_command("run", "--brokr", "x"), USAGE, "did you mean '--broker'");
}

static void an_option_of_another_command_is_a_usage_error(void **unused)
{
    (void)unused;
    assert_refused(hark_command("run", "--payload", "x"), USAGE, "--payload");
}

static void an_option_without_its_value_is_a_usage_error(void **unused)
{
    (void)unused;
    assert_refused(hark_command("run", "--broker"), USAGE, "--broker needs a value");
}

static void an_option_with_a_bad_value_is_a_usage_error(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_refused(hark_command("dev", "--port", "70000", folder), USAGE, "70000");
    assert_refused(hark_command("invoke", "--qos", "3", "x.so"), USAGE, "--qos '3'");
    assert_refused(hark_command("run", "--broker", "http://localhost", "--state", folder, folder), USAGE,
                   "mqtt://");
}

static void a_second_folder_is_a_usage_error(void **unused)
{
    (void)unused;
    assert_refused(hark_command("run", "one", "two"), USAGE, "two");
}

/* run */

static void a_folder_that_does_not_exist_is_said(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_refused(hark_command("run", "--state", folder, path_in(folder, "nowhere")), BAD_DATA, "/nowhere");
}

/* Built files may be out of an ordinary user's reach; a copy works from any prefix. */
static const char *installed_hark(void)
{
    const char *prefix = folder_create();
    const char *const folders[] = {"bin", "libexec", "libexec/hark"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mkdir(path_in(prefix, folders[i]), 0755), 0);
    file_copy(TEST_HARK, path_in(prefix, "bin/hark"));
    file_copy(TEST_HARK_WORKER, path_in(prefix, "libexec/hark/hark-worker"));
    return path_in(prefix, "bin/hark");
}

static void a_folder_that_may_not_be_read_is_said(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *state = folder_create();
    assert_int_equal(chmod(folder, 0), 0);
    assert_int_equal(chmod(state, 0777), 0);
    const char *const argv[] = {installed_hark(), "run", "--state", state, folder, NULL};
    struct outcome o =
        command_run(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = true});
    assert_int_equal(chmod(folder, 0700), 0);
    assert_refused(o, NOT_PERMITTED, folder);
}

static void an_ordinary_user_can_run_it(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    const char *folder = folder_create(), *state = folder_create();
    assert_int_equal(chmod(state, 0777), 0);
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"), PUPPET_MANIFEST);
    const char *const argv[] = {installed_hark(), "run",         "--state", state,
                                "--broker",       broker_url(b), folder,    NULL};
    struct process *p =
        process_start(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = true});
    lines_wait(p->err, "^hark: ready: 1 functions");
    process_signal(p, SIGTERM);
    assert_int_equal(process_wait(p), 0);
}

static void hark_broker_in_the_environment_is_used(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    const char *folder = folder_create(), *state = folder_create();
    char variable[96];
    snprintf(variable, sizeof variable, "HARK_BROKER=%s", broker_url(b));
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"), PUPPET_MANIFEST);
    const char *const argv[] = {TEST_HARK, "run", "--state", state, "--node", "env", folder, NULL};
    struct process *p =
        process_start(&(struct process_options){.name = "hark", .argv = argv, .environment = variable});
    lines_wait(p->err, "^hark: ready: 1 functions");
    broker_wait_line(b, "as hark/env/puppet ");
}

static void manifests_and_functions_may_be_in_two_folders(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    const char *manifests = folder_create(), *functions = folder_create(), *state = folder_create();
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(functions, "puppet.so"));
    file_print(path_in(manifests, "puppet.yaml"), PUPPET_MANIFEST);
    const char *const argv[] = {TEST_HARK,     "run",     "--state",  state,         "--manifests", manifests,
                                "--functions", functions, "--broker", broker_url(b), NULL};
    struct process *p = process_start(&(struct process_options){.name = "hark", .argv = argv});
    lines_wait(p->err, "^hark: ready: 1 functions");
}

static void a_second_hark_of_one_node_and_state_is_refused(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    struct outcome o = hark_command("run", "--node", TEST_NODE, "--state", s.hark->state, "--broker",
                                    broker_url(s.broker), s.hark->folder);
    assert_refused(o, NOT_PERMITTED, TEST_NODE);
}

/* check */

static void check_finds_nothing_wrong_with_what_is_good(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    assert_int_equal(hark_command("check", folder).code, 0);
    assert_int_equal(hark_command("check", path_in(folder, "puppet.yaml")).code, 0);
}

static void check_finds_nothing_wrong_with_the_examples(void **unused)
{
    (void)unused;
    static const char *const names[] = {"alarm", "calculator", "thermostat"};
    const char *folder = folder_create();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char so[64], yaml[64];
        snprintf(so, sizeof so, "%s.so", names[i]);
        snprintf(yaml, sizeof yaml, "%s.yaml", names[i]);
        file_copy(path_in(TEST_EXAMPLES, so), path_in(folder, so));
        file_copy(path_in(TEST_EXAMPLES, yaml), path_in(folder, yaml));
    }
    assert_int_equal(hark_command("check", folder).code, 0);
}

static void check_says_every_complaint_with_its_place(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("topcis: 1\ntimeout: soon\n");
    struct outcome o = hark_command("check", folder);
    assert_int_equal(o.code, 1);
    assert_contains(o.out, "puppet.yaml:5:1: ");
    assert_contains(o.out, "puppet.yaml:6:10: ");
}

static void check_loads_the_handler_in_a_worker(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    file_copy(path_in(TEST_FUNCTIONS, "ctor_crash.so"), path_in(folder, "puppet.so"));
    struct outcome o = hark_command("check", folder);
    assert_int_equal(o.code, 1);
    assert_contains(o.out, "puppet.so");
    assert_contains(o.out, "SIGABRT");
}

static void check_finds_a_loop_of_topics(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"),
               "function: puppet\nhandler: puppet.so\ntriggers: [ { topic: round/and } ]\n"
               "publishes: [ \"round/#\" ]\n");
    struct outcome o = hark_command("check", folder);
    assert_int_equal(o.code, 1);
    assert_contains(o.out, "loop: ");
}

static void check_answers_in_json(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("topcis: 1\n");
    struct outcome o = hark_command("check", "--json", folder);
    assert_int_equal(o.code, 1);
    json_error_t error;
    json_t *root = json_loads(o.out, JSON_DECODE_ANY, &error);
    if (!root)
        fail_msg("no JSON: %s in %s", error.text, o.out);
    assert_contains(o.out, "topcis");
    json_decref(root);
}

static void check_of_a_path_that_does_not_exist_is_a_finding_of_its_own(void **unused)
{
    (void)unused;
    const char *nowhere = path_in(folder_create(), "nowhere");
    struct outcome o = hark_command("check", nowhere);
    assert_int_equal(o.code, BAD_DATA);
    assert_contains(o.err, "nowhere");
}

static void check_looks_brokers_up_in_the_settings(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("broker: lab\n"), *config = path_in(folder, "hark.yaml");
    struct outcome o = hark_command("check", folder);
    assert_int_equal(o.code, 0);
    assert_contains(o.err, "/puppet.yaml:5:9: broker 'lab' is not checked: give --config hark.yaml\n");
    file_print(config, "brokers: { lab: { url: \"mqtt://localhost\" } }\n");
    assert_int_equal(hark_command("check", "--config", config, folder).code, 0);
    file_print(config, "brokers: { site: { url: \"mqtt://localhost\" } }\n");
    o = hark_command("check", "--config", config, folder);
    assert_int_equal(o.code, 1);
    assert_contains(
        o.out, "/puppet.yaml:5:9: broker: this node has no broker 'lab': add it to brokers in hark.yaml\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(the_version_goes_to_standard_output),
        system_test(help_names_every_command),
        system_test(a_command_that_does_not_exist_is_a_usage_error),
        system_test(closed_standard_descriptors_do_no_harm),
        system_test(output_that_cannot_be_written_is_no_success),
        system_test(output_that_cannot_be_written_is_said_of_what_failed_too),
        system_test(few_descriptors_are_enough_for_a_worker),
        system_test(an_option_that_does_not_exist_is_a_usage_error),
        system_test(an_option_of_another_command_is_a_usage_error),
        system_test(an_option_without_its_value_is_a_usage_error),
        system_test(an_option_with_a_bad_value_is_a_usage_error),
        system_test(a_second_folder_is_a_usage_error),
        system_test(a_folder_that_does_not_exist_is_said),
        system_test(a_folder_that_may_not_be_read_is_said),
        system_test(an_ordinary_user_can_run_it),
        system_test(hark_broker_in_the_environment_is_used),
        system_test(manifests_and_functions_may_be_in_two_folders),
        system_test(a_second_hark_of_one_node_and_state_is_refused),
        system_test(check_finds_nothing_wrong_with_what_is_good),
        system_test(check_finds_nothing_wrong_with_the_examples),
        system_test(check_says_every_complaint_with_its_place),
        system_test(check_loads_the_handler_in_a_worker),
        system_test(check_finds_a_loop_of_topics),
        system_test(check_looks_brokers_up_in_the_settings),
        system_test(check_answers_in_json),
        system_test(check_of_a_path_that_does_not_exist_is_a_finding_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

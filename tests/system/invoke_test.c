/* invoke_test.c: `hark invoke`: messages to a function without a broker. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/stage.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct outcome invoke(const char *what)
{
    const char *folder = folder_with_puppet("timeout: 2s\n");
    return hark_command("invoke", path_in(folder, "puppet.yaml"), "--payload", what);
}

static void invoke_prints_what_was_published_a_line_each(void **unused)
{
    (void)unused;
    struct outcome o = invoke("say out/a hello world; log a word; say out/b again");
    assert_string_equal(o.out, "out/a hello world\nout/b again\n");
    assert_contains(o.err, "a word");
    assert_int_equal(o.code, 0);
}

/* script(1) runs its command on a terminal of its own. */
static struct outcome invoke_on_a_terminal(const char *payload)
{
    char line[1024];
    const char *folder = folder_with_puppet("");
    file_print(path_in(folder, "payload"), "%s", payload);
    snprintf(line, sizeof line, "%s invoke %s --payload-file %s", TEST_HARK, path_in(folder, "puppet.yaml"),
             path_in(folder, "payload"));
    const char *const argv[] = {"script", "-qec", line, "/dev/null", NULL};
    return command_run(&(struct process_options){.name = "script", .argv = argv});
}

static void what_is_published_is_not_obeyed_by_a_terminal(void **unused)
{
    (void)unused;
    struct outcome o = invoke_on_a_terminal("say out/a 21 °C\033[2J\xc2\x9b"
                                            "2J\x9b"
                                            "2J\x7f");
    assert_contains(o.out, "out/a 21 °C\\x1b[2J\\x9b2J\\x9b2J\\x7f\r\n");
    assert_int_equal(o.code, 0);
}

static void a_script_gets_what_is_published_as_it_is(void **unused)
{
    (void)unused;
    assert_string_equal(invoke("say out/a \033[2J\x9b").out, "out/a \033[2J\x9b\n");
}

static void invoke_tells_how_it_ended_by_its_exit_code(void **unused)
{
    (void)unused;
    assert_int_equal(invoke("say out/a x").code, 0);
    assert_int_equal(invoke("say out/a x; retry").code, 1);
    assert_int_equal(invoke("say out/a x; reject").code, 2);
    assert_int_equal(invoke("say out/a x; crash").code, 3);
    assert_int_equal(invoke("say out/a x; exit").code, 3);
    assert_int_equal(invoke("say out/a x; hang").code, 4);
}

static void invoke_prints_nothing_of_a_failed_invocation(void **unused)
{
    (void)unused;
    assert_string_equal(invoke("say out/a x; retry").out, "");
    assert_string_equal(invoke("say out/a x; crash").out, "");
}

static void invoke_refuses_bad_data_with_65(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("topcis: 1\n");
    struct outcome o = hark_command("invoke", path_in(folder, "puppet.yaml"));
    assert_refused(o, BAD_DATA, "puppet.yaml:5:1: ");
    assert_refused(hark_command("invoke", path_in(folder, "nowhere.yaml")), BAD_DATA, "nowhere.yaml");
    file_print(path_in(folder, "puppet.test.yaml"), "cases: [ { given: { topic: a } } ]\n");
    assert_refused(hark_command("invoke", path_in(folder, "puppet.test.yaml")), BAD_DATA,
                   "puppet.test.yaml: these are test cases, which hark test runs: name the manifest or ");
    assert_refused(hark_command("invoke", own_copy(TEST_FUNCTIONS, "wrong_abi.so"), "--topic", "a"), BAD_DATA,
                   "ABI 7");
}

static void invoke_without_a_function_is_a_usage_error(void **unused)
{
    (void)unused;
    assert_refused(hark_command("invoke"), USAGE, "");
}

static void invoke_takes_a_bare_so(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("invoke", own_copy(TEST_PUPPETS, "puppet.so"), "--topic", "any/thing",
                                    "--payload", "say any/where hello");
    assert_string_equal(o.out, "any/where hello\n");
    assert_int_equal(o.code, 0);
}

static void invoke_reads_the_payload_from_standard_input(void **unused)
{
    (void)unused;
    const char *const argv[] = {TEST_HARK, "invoke", own_copy(TEST_PUPPETS, "puppet.so"),
                                "--topic", "a",      "--payload-file",
                                "-",       NULL};
    struct outcome o =
        command_run(&(struct process_options){.name = "hark", .argv = argv, .input = "say out/a from stdin"});
    assert_string_equal(o.out, "out/a from stdin\n");
    assert_int_equal(o.code, 0);
}

static void invoke_answers_to_the_response_topic(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    struct outcome o = hark_command("invoke", path_in(folder, "puppet.yaml"), "--payload", "reply yes",
                                    "--response-topic", "my/answers", "--correlation", "7");
    assert_string_equal(o.out, "my/answers yes\n");
    assert_int_equal(o.code, 0);
}

static void invoke_shows_all_fields_in_json(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    struct outcome o =
        hark_command("invoke", "--json", path_in(folder, "puppet.yaml"), "--payload", "keep out/state on");
    assert_int_equal(o.code, 0);
    json_error_t error;
    json_t *line = json_loads(o.out, 0, &error);
    if (!line)
        fail_msg("no JSON: %s in %s", error.text, o.out);
    assert_string_equal(json_string_value(json_object_get(line, "topic")), "out/state");
    assert_string_equal(json_string_value(json_object_get(line, "payload")), "on");
    assert_int_equal(json_integer_value(json_object_get(line, "qos")), 1);
    assert_true(json_is_true(json_object_get(line, "retained")));
    json_decref(line);
}

/* ---- several messages ---- */

static struct outcome invoke_with_input(const char *input, const char *option)
{
    const char *folder = folder_with_puppet("timeout: 2s\n");
    const char *const argv[] = {TEST_HARK, "invoke", path_in(folder, "puppet.yaml"), option, NULL};
    return command_run(&(struct process_options){.name = "hark", .argv = argv, .input = input});
}

static void a_line_of_standard_input_is_a_message(void **unused)
{
    (void)unused;
    struct outcome o = invoke_with_input("[puppet/do] say out/a one\n\n"
                                         "{\"topic\":\"puppet/do\",\"payload\":\"say out/a two\"}\n"
                                         "[puppet/do] say out/a three",
                                         NULL);
    assert_string_equal(o.out, "out/a one\nout/a two\nout/a three\n");
    assert_int_equal(o.code, 0);
}

static void a_byte_order_mark_before_the_first_line_is_no_mistake(void **unused)
{
    (void)unused;
    struct outcome o = invoke_with_input("\xef\xbb\xbf"
                                         "[puppet/do] say out/a one\r\n[puppet/do] say out/a two\r\n",
                                         NULL);
    assert_string_equal(o.out, "out/a one\nout/a two\n");
    assert_int_equal(o.code, 0);
    o = invoke_with_input("\xef\xbb\xbf\n[puppet/do] say out/a one\n\xef\xbb\xbf[puppet/do] say out/a two\n",
                          NULL);
    assert_string_equal(o.out, "out/a one\n");
    assert_int_equal(o.code, BAD_DATA);
}

static void what_invoke_prints_as_json_it_takes(void **unused)
{
    (void)unused;
    const char *const argv[] = {TEST_HARK, "invoke", "--json", own_copy(TEST_PUPPETS, "puppet.so"), NULL};
    struct process_options options = {.name = "hark", .argv = argv, .input = "[a/b] say c/d say e/f again\n"};
    struct outcome o = command_run(&options);
    assert_int_equal(o.code, 0);
    assert_contains(o.out, "{\"topic\":\"c/d\",\"payload\":\"say e/f again\"");
    options.input = o.out;
    assert_contains(command_run(&options).out, "{\"topic\":\"e/f\",\"payload\":\"again\"");
}

static void the_first_line_that_fails_decides_the_exit_code(void **unused)
{
    (void)unused;
    struct outcome o = invoke_with_input("[puppet/do] say out/a 1\n[puppet/do] reject\n[puppet/do] crash\n"
                                         "[puppet/do] hang\n[puppet/do] say out/a 2\n",
                                         NULL);
    assert_string_equal(o.out, "out/a 1\nout/a 2\n");
    assert_int_equal(o.code, 2);
}

static void a_line_that_is_no_message_is_said_with_its_number(void **unused)
{
    (void)unused;
    struct outcome o = invoke_with_input("[puppet/do] say out/a 1\nwhat?\n[elsewhere] x\n"
                                         "{\"timer\":\"every 1s\"}\n[puppet/do] say out/a 2\n",
                                         NULL);
    assert_string_equal(o.out, "out/a 1\nout/a 2\n");
    assert_contains(o.err, "hark: error: standard input:2: '[topic] payload' is needed, with ");
    assert_contains(o.err, "hark: error: standard input:3: topic 'elsewhere' does not trigger the function");
    assert_contains(o.err,
                    "hark: error: standard input:4: timer 'every 1s': the function's timers are: none\n");
    assert_int_equal(o.code, BAD_DATA);
}

static void a_function_that_does_not_start_ends_the_lines(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    file_copy(path_in(TEST_FUNCTIONS, "ctor_crash.so"), path_in(folder, "puppet.so"));
    const char *const argv[] = {TEST_HARK, "invoke", path_in(folder, "puppet.yaml"), NULL};
    struct outcome o = command_run(
        &(struct process_options){.name = "hark", .argv = argv, .input = "[puppet/do] a\n[puppet/do] b\n"});
    assert_int_equal(o.code, BAD_DATA);
    const char *first = strstr(o.err, "hark: error: ");
    assert_non_null(first);
    assert_null(strstr(first + 1, "hark: error: "));
}

static void repeated_messages_go_to_one_warm_worker(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    struct outcome o =
        hark_command("invoke", path_in(folder, "puppet.yaml"), "--repeat", "3", "--payload", "count out/n");
    assert_string_equal(o.out, "out/n 1\nout/n 2\nout/n 3\n");
    assert_int_equal(o.code, 0);
    assert_refused(hark_command("invoke", path_in(folder, "puppet.yaml"), "--repeat", "0"), USAGE,
                   "--repeat '0': a number from 1 to 1000000 is needed");
}

static void stats_tell_time_and_memory_of_each(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    struct outcome o = hark_command("invoke", path_in(folder, "puppet.yaml"), "--repeat", "2", "--stats",
                                    "--json", "--payload", "reject");
    assert_int_equal(o.code, 2);
    const char *at = o.out;
    for (int i = 0; i < 2; i++, at = strchr(at, '\n') + 1) {
        json_t *line = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
        assert_string_equal(json_string_value(json_object_get(line, "result")), "reject");
        assert_true(json_integer_value(json_object_get(line, "time_us")) > 0);
        assert_true(json_integer_value(json_object_get(line, "peak_bytes")) > 100000);
        json_decref(line);
    }
    json_t *all = json_loads(at, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(all, "messages")), 2);
    assert_true(json_integer_value(json_object_get(all, "max_us")) >=
                json_integer_value(json_object_get(all, "median_us")));
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(invoke_prints_what_was_published_a_line_each),
        system_test(what_is_published_is_not_obeyed_by_a_terminal),
        system_test(a_script_gets_what_is_published_as_it_is),
        system_test(invoke_tells_how_it_ended_by_its_exit_code),
        system_test(invoke_prints_nothing_of_a_failed_invocation),
        system_test(invoke_refuses_bad_data_with_65),
        system_test(invoke_without_a_function_is_a_usage_error),
        system_test(invoke_takes_a_bare_so),
        system_test(invoke_reads_the_payload_from_standard_input),
        system_test(invoke_answers_to_the_response_topic),
        system_test(invoke_shows_all_fields_in_json),
        system_test(a_line_of_standard_input_is_a_message),
        system_test(a_byte_order_mark_before_the_first_line_is_no_mistake),
        system_test(what_invoke_prints_as_json_it_takes),
        system_test(the_first_line_that_fails_decides_the_exit_code),
        system_test(a_line_that_is_no_message_is_said_with_its_number),
        system_test(a_function_that_does_not_start_ends_the_lines),
        system_test(repeated_messages_go_to_one_warm_worker),
        system_test(stats_tell_time_and_memory_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

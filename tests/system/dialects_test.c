/* dialects_test.c: the thermostat in languages that compile, and all that the crate for Rust offers. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/test.h"

static void passes_the_cases_of_the_one_in_c(const char *cases)
{
    struct outcome o = hark_command("test", path_in(TEST_EXAMPLES "/languages", cases));
    if (o.code != 0)
        fail_msg("%s%s", o.out, o.err);
    assert_contains(o.out, "6 passed, 0 failed in ");
}

static void the_thermostat_in_cxx_is_one(void **unused)
{
    (void)unused;
    passes_the_cases_of_the_one_in_c("thermostat-cpp.test.yaml");
}

static void cxx_that_throws_in_start_is_refused(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("check", own_copy(TEST_EXAMPLES "/languages", "thermostat-cpp.so"));
    assert_contains(o.err, "config: setpoint must be a number, such as \"21.5\"");
    assert_int_equal(o.code, 1);
}

#ifdef HAVE_RUST
static void the_thermostat_in_rust_is_one(void **unused)
{
    (void)unused;
    passes_the_cases_of_the_one_in_c("thermostat-rust.test.yaml");
}

static const char *crated(const char *more_manifest)
{
    const char *folder = folder_create();
    file_copy(path_in(TEST_FUNCTIONS, "crated.so"), path_in(folder, "crated.so"));
    file_print(path_in(folder, "crated.yaml"),
               "function: crated\nhandler: crated.so\ntriggers: [ { topic: \"in/{room}\" } ]\n"
               "publishes: [ \"out/#\" ]\n%s",
               more_manifest);
    return path_in(folder, "crated.yaml");
}

static struct outcome ask(const char *payload)
{
    return hark_command("invoke", crated(""), "--topic", "in/hall", "--payload", payload, "--response-topic",
                        "me", "--correlation", "7", "--property", "unit=C", "--json");
}

static void the_crate_hands_on_all_of_a_message(void **unused)
{
    (void)unused;
    struct outcome o = ask("x");
    assert_string_equal(o.out,
                        "{\"topic\":\"out/hall\",\"payload\":\"1 1 false\",\"qos\":1,\"retained\":true,"
                        "\"response_topic\":\"me\",\"correlation\":\"7\","
                        "\"properties\":[{\"key\":\"unit\",\"value\":\"C\"}]}\n");
    assert_int_equal(o.code, 0);
}

static void the_crate_replies_and_logs(void **unused)
{
    (void)unused;
    assert_contains(ask("reply").out, "\"payload_base64\":\"MQAh\"");
    assert_contains(ask("log").err, "hark: warning: function=crated worker=1 100% sure, %s %n\n");
}

static void a_panic_is_a_retry_and_the_worker_goes_on(void **unused)
{
    (void)unused;
    struct outcome o = command_run(
        &(struct process_options){.name = "hark",
                                  .argv = (const char *const[]){TEST_HARK, "invoke", crated(""), NULL},
                                  .input = "[in/a] panic\n[in/a] x\n"});
    assert_contains(o.err, "at message 1");
    assert_string_equal(o.out, "out/a 2 1 false\n");
    assert_int_equal(o.code, 1);
}

static void a_failure_says_why(void **unused)
{
    (void)unused;
    struct outcome o = ask("later");
    assert_contains(o.err, "hark: warning: function=crated worker=1 later, please\n");
    assert_int_equal(o.code, 1);
    assert_contains(ask("refused").err, "worker=1 a publish or reply was refused: Permission denied");
    assert_contains(ask("zero").err, "worker=1 a publish or reply was refused: Invalid argument");
}

static void a_rust_function_that_cannot_start_is_refused(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("check", crated("config: { start: badly }\n"));
    assert_contains(o.err, "start is badly\n");
    assert_int_equal(o.code, 1);
    o = hark_command("check", crated("config: { start: panic }\n"));
    assert_contains(o.err, "not today");
    assert_int_equal(o.code, 1);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_thermostat_in_cxx_is_one, end_of_test),
        cmocka_unit_test_teardown(cxx_that_throws_in_start_is_refused, end_of_test),
#ifdef HAVE_RUST
        cmocka_unit_test_teardown(the_thermostat_in_rust_is_one, end_of_test),
        cmocka_unit_test_teardown(the_crate_hands_on_all_of_a_message, end_of_test),
        cmocka_unit_test_teardown(the_crate_replies_and_logs, end_of_test),
        cmocka_unit_test_teardown(a_panic_is_a_retry_and_the_worker_goes_on, end_of_test),
        cmocka_unit_test_teardown(a_failure_says_why, end_of_test),
        cmocka_unit_test_teardown(a_rust_function_that_cannot_start_is_refused, end_of_test),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

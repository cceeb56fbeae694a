/* unsealed_test.c: `hark invoke` in gdb, in valgrind, and with functions that are built with a sanitizer. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CRASH = 3, UNAVAILABLE = 69, ARGUMENTS = 40 };

static const char manifest[] = "function: faulty\n"
                               "handler: faulty.so\n"
                               "triggers: [ { topic: \"fault/{room}\" } ]\n"
                               "publishes: [ seen ]\n"
                               "timeout: 10s\n";

/* A folder with the function as that compiler and these flags make it, and its manifest. */
static const char *folder_with_faulty(const char *compiler, const char *flags)
{
    char line[1024];
    const char *folder = folder_create();
    file_print(path_in(folder, "faulty.yaml"), "%s", manifest);
    snprintf(line, sizeof line, "umask 022 && %s -g %s -shared -fPIC -fvisibility=hidden -I %s -o %s %s",
             compiler, flags, TEST_INCLUDE, path_in(folder, "faulty.so"), TEST_FAULTY);
    const char *const argv[] = {"sh", "-c", line, NULL};
    struct outcome o = command_run(&(struct process_options){.name = compiler, .argv = argv});
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, 0);
    return folder;
}

static bool is_there(const char *program)
{
    char line[64];
    snprintf(line, sizeof line, "command -v %s", program);
    const char *const argv[] = {"sh", "-c", line, NULL};
    return command_run(&(struct process_options){.name = "sh", .argv = argv}).code == 0;
}

static void skip_without(const char *program)
{
    if (is_there(program))
        return;
    print_message("%s is not installed\n", program);
    skip();
}

/* `hark invoke faulty.yaml` with that fault; options end in NULL. */
#define invoke(folder, fault, ...)                                                                           \
    hark_command("invoke", path_in(folder, "faulty.yaml"), "--topic", "fault/hall", "--payload", fault,      \
                 __VA_ARGS__)

/* ---- gdb ---- */

static void gdb_stops_at_the_first_line_of_the_handler(void **unused)
{
    (void)unused;
    skip_without("gdb");
    const char *folder = folder_with_faulty("gcc", "-O0");
    struct outcome o = invoke(folder, "none", "--gdb", "--", "-batch", "-ex", "backtrace 1", "-ex", "next",
                              "-ex", "print room", "-ex", "print (char *)in->payload", "-ex", "continue");
    assert_string_equal(o.out, "seen hall\n");
    assert_contains(o.err,
                    "hark: warning: faulty runs in gdb unsealed: it may do all that you may, and has no "
                    "timeout\n");
    assert_contains(o.err, "Breakpoint 1, handle (ctx=");
    assert_contains(o.err, "faulty.c:");
    assert_contains(o.err, "const char *fault = in->payload, *room");
    assert_contains(o.err, "\"hall\"\n");
    assert_contains(o.err, "\"none\"\n");
    assert_int_equal(o.code, 0);
}

static void gdb_stops_where_the_handler_crashes(void **unused)
{
    (void)unused;
    skip_without("gdb");
    const char *folder = folder_with_faulty("gcc", "-O0");
    struct outcome o = invoke(folder, "crash", "--gdb", "--", "-batch", "-ex", "continue", "-ex", "backtrace",
                              "-ex", "frame function handle");
    assert_string_equal(o.out, "");
    assert_contains(o.err, "received signal SIGABRT");
    assert_contains(o.err, "abort();");
    assert_contains(o.err, "hark: error: faulty: gdb ended before the function had answered\n");
    assert_int_equal(o.code, CRASH);
}

static void why_a_function_does_not_start_is_told_in_gdb_too(void **unused)
{
    (void)unused;
    skip_without("gdb");
    struct outcome o = hark_command("invoke", own_copy(TEST_FUNCTIONS, "start_fails.so"), "--topic", "a",
                                    "--gdb", "--", "-batch");
    assert_contains(o.err, "start() of start_fails.so returned ");
    assert_int_equal(o.code, BAD_DATA);
}

static void gdb_stops_where_a_constructor_crashes(void **unused)
{
    (void)unused;
    skip_without("gdb");
    struct outcome o = hark_command("invoke", own_copy(TEST_FUNCTIONS, "ctor_crash.so"), "--topic", "a",
                                    "--gdb", "--", "-batch", "-ex", "backtrace");
    assert_contains(o.err, "received signal SIGABRT");
    assert_contains(o.err, " in constructor () at ");
    assert_contains(o.err, "hark: error: ctor-crash: gdb ended before the function was ready\n");
    assert_int_equal(o.code, CRASH);
}

static void a_second_run_in_gdb_says_that_the_message_is_gone(void **unused)
{
    (void)unused;
    skip_without("gdb");
    const char *folder = folder_with_faulty("gcc", "-O0");
    struct outcome o = invoke(folder, "none", "--gdb", "--", "-batch", "-ex", "run");
    assert_contains(o.err, "Breakpoint 1, handle (ctx=");
    assert_contains(o.err,
                    "hark-unsealed: the message went to the first run: quit, and use `hark invoke` again\n");
    assert_contains(o.err, "exited with code 0100");
    assert_contains(o.err, "hark: error: faulty: gdb ended before the function had answered\n");
    assert_int_equal(o.code, CRASH);
}

static void gdb_may_meet_the_second_message_too(void **unused)
{
    (void)unused;
    skip_without("gdb");
    const char *folder = folder_with_faulty("gcc", "-O0");
    struct outcome o = invoke(folder, "none", "--repeat", "2", "--gdb", "--", "-batch", "-ex", "continue",
                              "-ex", "continue");
    assert_string_equal(o.out, "seen hall\nseen hall\n");
    assert_int_equal(o.code, 0);
}

/* A worker that turns for ever is stopped, and hark still there: Ctrl-C was not for hark. */
static void ctrl_c_at_the_terminal_is_for_gdb(void **unused)
{
    (void)unused;
    skip_without("gdb");
    char line[1024];
    const char *folder = folder_with_faulty("gcc", "-O0");
    snprintf(line, sizeof line,
             "exec %s invoke %s --topic fault/hall --payload hang --gdb -- -nx -ex 'set confirm off'",
             TEST_HARK, path_in(folder, "faulty.yaml"));
    const char *const argv[] = {"script", "-qec", line, "/dev/null", NULL};
    struct process *p =
        process_start(&(struct process_options){.name = "script", .argv = argv, .takes_orders = true});
    lines_wait(p->out, "Breakpoint 1, ");
    process_order(p, "continue");
    lines_wait(p->out, "it turns");
    assert_int_equal(write(p->orders, "\003", 1), 1); /* a new line would make gdb go on */
    lines_wait(p->out, "received signal SIGINT");
    process_order(p, "set variable turns = 0");
    process_order(p, "continue");
    lines_wait(p->out, "exited normally");
    process_order(p, "quit");
    assert_int_equal(process_wait(p), 0);
}

/* ---- valgrind ---- */

static void valgrind_tells_of_what_it_finds_by_the_exit_code_of_a_crash(void **unused)
{
    (void)unused;
    skip_without("valgrind");
    const char *folder = folder_with_faulty("gcc", "-O0");
    struct outcome o = invoke(folder, "overflow", "--valgrind");
    assert_contains(o.err, "Invalid write of size 1");
    assert_contains(o.err, "overflow (faulty.c:");
    assert_contains(o.err, "hark: error: faulty: faults were found, as told above\n");
    assert_int_equal(o.code, CRASH);
    o = invoke(folder, "leak", "--valgrind");
    assert_contains(o.err, "8 bytes in 1 blocks are definitely lost");
    assert_int_equal(o.code, CRASH);
}

static void valgrind_finds_nothing_in_what_is_right(void **unused)
{
    (void)unused;
    skip_without("valgrind");
    const char *folder = folder_with_faulty("gcc", "-O0");
    struct outcome o = invoke(folder, "none", "--repeat", "3", "--valgrind", "--", "--track-origins=yes");
    assert_string_equal(o.out, "seen hall\nseen hall\nseen hall\n");
    assert_string_equal(
        o.err, "hark: warning: faulty runs in valgrind unsealed: it may do all that you may, and has "
               "no timeout\n");
    assert_int_equal(o.code, 0);
}

/* ---- sanitizers ---- */

static void a_sanitizer_works(const char *folder)
{
    struct outcome o = invoke(folder, "overflow", "--unsealed");
    assert_contains(o.err, "AddressSanitizer: heap-buffer-overflow");
    assert_contains(o.err, "in overflow ");
    assert_int_equal(o.code, CRASH);
    o = invoke(folder, "undefined", "--unsealed");
    assert_contains(o.err, "runtime error: shift exponent 40");
    assert_int_equal(o.code, CRASH);
    o = invoke(folder, "none", "--unsealed");
    assert_string_equal(o.out, "seen hall\n");
    assert_string_equal(o.err, "hark: warning: faulty runs unsealed: it may do all that you may\n");
    assert_int_equal(o.code, 0);
}

static void gccs_sanitizers_work_outside_of_the_seal(void **unused)
{
    (void)unused;
    a_sanitizer_works(folder_with_faulty("gcc", "-fsanitize=address,undefined"));
}

static void clangs_sanitizers_work_outside_of_the_seal(void **unused)
{
    (void)unused;
    skip_without("clang");
    a_sanitizer_works(folder_with_faulty("clang", "-fsanitize=address,undefined -shared-libasan "
                                                  "-Wl,-rpath,$(clang -print-runtime-dir)"));
}

static void a_sanitized_function_is_refused_under_the_seal_with_what_to_do(void **unused)
{
    (void)unused;
    const char *folder = folder_with_faulty("gcc", "-fsanitize=address");
    assert_refused(invoke(folder, "none", NULL), BAD_DATA,
                   "is built with a sanitizer (libasan.so.8), which cannot work under the seal: try it with "
                   "`hark invoke --unsealed`");
    assert_refused(invoke(folder, "none", "--valgrind"), BAD_DATA,
                   "does not work in valgrind: use --unsealed");
    struct outcome o = hark_command("check", folder);
    assert_contains(
        o.out, "it is built with a sanitizer, which cannot work under the seal: try it with `hark invoke "
               "--unsealed`, and deploy one that is built without -fsanitize\n");
    assert_int_equal(o.code, 1);
}

/* ---- what does not go together ---- */

static void what_does_not_go_together_is_refused(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet(""), *path = path_in(folder, "puppet.yaml");
    assert_refused(hark_command("invoke", path, "--gdb", "--valgrind"), USAGE, "one of them at a time");
    assert_refused(hark_command("invoke", path, "--gdb", "--user", "nobody"), USAGE, "about the seal");
    assert_refused(hark_command("invoke", path, "--unsealed", "--insecure", "landlock"), USAGE,
                   "about the seal");
    assert_refused(hark_command("invoke", path, "--gdb", "--stats"), USAGE, "--stats would measure the tool");
    assert_refused(hark_command("invoke", path, "--gdb", "--payload-file", "-"), USAGE, "has standard input");
    assert_refused(hark_command("invoke", path, "--gdb", "again"), USAGE, "unexpected argument 'again'");
    assert_refused(hark_command("invoke", path, "--", "-batch"), USAGE, "unexpected argument '-batch'");
    assert_refused(hark_command("invoke", path, "--unsealed", "--", "-q"), USAGE, "unexpected argument '-q'");
}

static void without_gdb_it_is_said_which_package_has_it(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    const char *const argv[] = {TEST_HARK, "invoke", path_in(folder, "puppet.yaml"), "--gdb", NULL};
    struct outcome o = command_run(
        &(struct process_options){.name = "hark", .argv = argv, .environment = "PATH=/nonexistent"});
    assert_refused(o, UNAVAILABLE, "there is no gdb on PATH: install it (Debian: apt install gdb)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(gdb_stops_at_the_first_line_of_the_handler),
        system_test(gdb_stops_where_the_handler_crashes),
        system_test(why_a_function_does_not_start_is_told_in_gdb_too),
        system_test(gdb_stops_where_a_constructor_crashes),
        system_test(a_second_run_in_gdb_says_that_the_message_is_gone),
        system_test(gdb_may_meet_the_second_message_too),
        system_test(ctrl_c_at_the_terminal_is_for_gdb),
        system_test(valgrind_tells_of_what_it_finds_by_the_exit_code_of_a_crash),
        system_test(valgrind_finds_nothing_in_what_is_right),
        system_test(gccs_sanitizers_work_outside_of_the_seal),
        system_test(clangs_sanitizers_work_outside_of_the_seal),
        system_test(a_sanitized_function_is_refused_under_the_seal_with_what_to_do),
        system_test(what_does_not_go_together_is_refused),
        system_test(without_gdb_it_is_said_which_package_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* dev_build_test.c: `hark dev` builds: with the real CMake, make and compiler. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/port.h"
#include "support/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILT "^hark: built in [0-9.]+ s$"

static const char source[] = "#include <hark/function.h>\n"
                             "#include \"src/answer.h\"\n"
                             "static int handle(struct hark_context *ctx, const struct hark_message *in)\n"
                             "{\n"
                             "    (void)in;\n"
                             "    return hark_publish(ctx, \"out/answer\", ANSWER, sizeof ANSWER - 1);\n"
                             "}\n"
                             "HARK_FUNCTION(.handle = handle);\n";
static const char manifest[] =
    "function: teller\nhandler: teller.so\ntriggers: [ { topic: ask } ]\npublishes: [ \"out/#\" ]\n";

static void answer_with(const char *folder, const char *definition)
{
    file_print(path_in(folder, "src/answer.h"), "%s\n", definition);
}

static const char *create_sources(void)
{
    const char *folder = folder_create();
    assert_int_equal(mkdir(path_in(folder, "src"), 0755), 0);
    file_print(path_in(folder, "teller.c"), "%s", source);
    file_print(path_in(folder, "teller.yaml"), "%s", manifest);
    answer_with(folder, "#define ANSWER \"one\"");
    return folder;
}

/* It leaves the handler in the build folder, as CMake does unless it is told otherwise. */
static const char *create_cmake_project(void)
{
    const char *folder = create_sources();
    file_print(
        path_in(folder, "CMakeLists.txt"),
        "cmake_minimum_required(VERSION 3.22)\nproject(teller C)\nadd_library(teller MODULE teller.c)\n"
        "set_target_properties(teller PROPERTIES PREFIX \"\")\n"
        "target_include_directories(teller PRIVATE %s)\n",
        TEST_INCLUDE);
    return folder;
}

static void write_makefile(const char *folder, const char *more)
{
    file_print(path_in(folder, "Makefile"),
               "teller.so: teller.c src/answer.h\n\t$(CC) -shared -fPIC -I%s -o $@ teller.c\n%s",
               TEST_INCLUDE, more);
}

struct dev {
    const char *folder;
    uint16_t port;
    struct process *process;
};

/* option: one more, or NULL. */
static struct dev dev_start_with(const char *folder, const char *option, const char *environment)
{
    struct dev d = {.folder = folder, .port = port_find_free()};
    char port[8];
    temporary_folder_create();
    snprintf(port, sizeof port, "%u", d.port);
    const char *const argv[] = {TEST_HARK, "dev", "--port", port, folder, option, NULL};
    d.process = process_start(
        &(struct process_options){.name = "hark dev", .argv = argv, .environment = environment});
    return d;
}

static struct dev dev_start(const char *folder)
{
    struct dev d = dev_start_with(folder, NULL, NULL);
    lines_wait(d.process->err, BUILT);
    lines_wait(d.process->err, "^hark: ready: 1 functions");
    return d;
}

static struct device *ask(struct dev *d, const char *name)
{
    struct device *phone = device_connect(d->port, name);
    device_subscribe(phone, "out/#", 1);
    return phone;
}

static void expect_answer(struct device *phone, const char *answer)
{
    device_publish(phone, "ask", "", 1);
    device_expect(phone, "out/answer", answer);
}

/* The linker is done before the build is: that it is built may be said before or after. */
static void wait_for_new_version(struct dev *d)
{
    lines_wait(d->process->err, "^hark: deployed teller version=[0-9a-f]+ replaces=");
}

/* ---- CMake ---- */

static void what_is_saved_is_built_and_deployed(void **unused)
{
    (void)unused;
    struct dev d = dev_start(create_cmake_project());
    struct device *phone = ask(&d, "phone");
    expect_answer(phone, "one");
    answer_with(d.folder, "#define ANSWER \"two\"");
    wait_for_new_version(&d);
    expect_answer(phone, "two");
}

static void a_broken_source_is_shown_with_its_place_while_the_old_version_serves(void **unused)
{
    (void)unused;
    struct dev d = dev_start(create_cmake_project());
    struct device *phone = ask(&d, "phone");
    answer_with(d.folder, "#define ANSWER nonsense");
    lines_wait(d.process->err, "answer\\.h:1:[0-9]+: error: ");
    lines_wait(d.process->err,
               "^hark: error: the build failed after [0-9.]+ s \\(cmake: exit code [0-9]+\\)");
    expect_answer(phone, "one");
    answer_with(d.folder, "#define ANSWER \"mended\"");
    wait_for_new_version(&d);
    expect_answer(phone, "mended");
}

static void a_cmake_file_that_is_no_good_is_mended_as_well(void **unused)
{
    (void)unused;
    const char *folder = create_cmake_project();
    size_t len;
    char *good = file_read(path_in(folder, "CMakeLists.txt"), &len);
    at_end_of_test(free, good);
    file_print(path_in(folder, "CMakeLists.txt"), "project(teller C)\nnonsense()\n");
    struct dev d = dev_start_with(folder, NULL, NULL);
    lines_wait(d.process->err, "CMake Error at CMakeLists\\.txt:2 ");
    lines_wait(d.process->err, "^hark: error: the build failed ");
    lines_wait(d.process->err, "^hark: ready: 0 functions");
    file_write(path_in(folder, "CMakeLists.txt"), good, len);
    lines_wait(d.process->err, "^hark: deployed teller ");
    expect_answer(ask(&d, "phone"), "one");
}

static void a_build_folder_that_is_there_is_used_as_it_was_set_up(void **unused)
{
    (void)unused;
    const char *folder = create_cmake_project();
    const char *const argv[] = {
        "cmake", "-S", folder, "-B", path_in(folder, "build"), "-DCMAKE_C_FLAGS=-DTOLD", NULL};
    struct process *p = process_start(&(struct process_options){.name = "cmake", .argv = argv});
    assert_int_equal(process_wait(p), 0);
    answer_with(folder, "#ifdef TOLD\n#define ANSWER \"told\"\n#endif");
    struct dev d = dev_start(folder);
    assert_int_equal(lines_count(d.process->err, "^hark: building: cmake -S"), 0);
    expect_answer(ask(&d, "phone"), "told");
}

/* ---- make ---- */

static void a_makefile_is_made(void **unused)
{
    (void)unused;
    const char *folder = create_sources();
    write_makefile(folder, "");
    struct dev d = dev_start(folder);
    struct device *phone = ask(&d, "phone");
    expect_answer(phone, "one");
    answer_with(folder, "#define ANSWER \"two\"");
    wait_for_new_version(&d);
    expect_answer(phone, "two");
    assert_int_equal(lines_count(d.process->err, "-shared"), 0); /* what make says of a good build */
}

static void a_warning_of_the_compiler_is_shown(void **unused)
{
    (void)unused;
    const char *folder = create_sources();
    write_makefile(folder, "");
    answer_with(folder, "#warning mind the step\n#define ANSWER \"one\"");
    struct dev d = dev_start_with(folder, NULL, NULL);
    lines_wait(d.process->err, "answer\\.h:1:[0-9]+: warning: .*mind the step");
    lines_wait(d.process->err, BUILT);
}

static void a_folder_of_sources_that_comes_later_is_watched(void **unused)
{
    (void)unused;
    const char *folder = create_sources();
    write_makefile(folder, "");
    struct dev d = dev_start(folder);
    assert_int_equal(mkdir(path_in(folder, "late"), 0755), 0);
    file_print(path_in(folder, "late/part.h"), "/* one */\n");
    lines_wait(d.process->err, BUILT);
    file_print(path_in(folder, "late/part.h"), "/* another */\n");
    lines_wait(d.process->err, BUILT);
}

/* ---- the end ---- */

static void wait_until_nobody_holds(int fd)
{
    char byte;
    struct pollfd end = {.fd = fd, .events = POLLIN};
    if (poll(&end, 1, GUARD_MS) != 1 || read(fd, &byte, 1) != 0)
        give_up("somebody of the build is left");
}

struct held_build {
    struct dev dev;
    const char *temporary; /* hark's TMPDIR */
    int fd;                /* the end of a pipe that all of the build hold */
};

/* One that does not end, and part of it ignores that it should. */
static struct held_build build_that_is_held(void)
{
    const char *folder = create_sources();
    struct held_build b = {.temporary = folder_create()};
    char variable[128];
    snprintf(variable, sizeof variable, "TMPDIR=%s", b.temporary);
    assert_int_equal(mkfifo(path_in(folder, "held"), 0600), 0);
    file_print(
        path_in(folder, "Makefile"),
        "all:\n\t(trap '' TERM; tail -f /dev/null & tail -f /dev/null) > held & tail -f /dev/null > held\n");
    b.dev = dev_start_with(folder, NULL, variable);
    b.fd = open(path_in(folder, "held"), O_RDONLY | O_CLOEXEC); /* waits for one who writes */
    assert_true(b.fd >= 0);
    return b;
}

static void nothing_is_left_of(const struct held_build *b)
{
    wait_until_nobody_holds(b->fd);
    close(b->fd);
    assert_int_equal(rmdir(b->temporary), 0); /* it is empty */
}

static void a_stop_in_the_middle_of_a_build_leaves_nothing(int signal)
{
    struct held_build b = build_that_is_held();
    process_signal(b.dev.process, signal);
    assert_int_equal(process_wait(b.dev.process), 0);
    nothing_is_left_of(&b);
    assert_int_equal(lines_count(b.dev.process->err, "the build failed"), 0);
}

static void sigterm_in_the_middle_of_a_build_leaves_nothing(void **unused)
{
    (void)unused;
    a_stop_in_the_middle_of_a_build_leaves_nothing(SIGTERM);
}

static void sigquit_in_the_middle_of_a_build_leaves_nothing(void **unused)
{
    (void)unused;
    a_stop_in_the_middle_of_a_build_leaves_nothing(SIGQUIT);
}

static void sighup_in_the_middle_of_a_build_leaves_nothing(void **unused)
{
    (void)unused;
    a_stop_in_the_middle_of_a_build_leaves_nothing(SIGHUP);
}

/* The third is the end of all patience. */
static void neither_does_one_of_three_signals(void **unused)
{
    (void)unused;
    struct held_build b = build_that_is_held();
    process_signal(b.dev.process, SIGSTOP);
    process_signal(b.dev.process, SIGTERM);
    process_signal(b.dev.process, SIGINT);
    process_signal(b.dev.process, SIGQUIT);
    process_signal(b.dev.process, SIGCONT);
    assert_int_equal(process_wait(b.dev.process), 70);
    nothing_is_left_of(&b);
}

/* ---- nothing to build ---- */

static void it_builds_nothing_when_told_so(void **unused)
{
    (void)unused;
    const char *folder = create_cmake_project();
    struct dev d = dev_start_with(folder, "--no-build", NULL);
    lines_wait(d.process->err, "^hark: ready: 0 functions");
    assert_int_equal(lines_count(d.process->err, "^hark: building"), 0);
    assert_int_equal(access(path_in(folder, "build"), F_OK), -1);
}

static void a_part_of_a_larger_build_is_left_to_that(void **unused)
{
    (void)unused;
    const char *folder = create_cmake_project();
    file_print(path_in(folder, "CMakeLists.txt"), "# project() is above\nadd_subdirectory(teller)\n");
    struct dev d = dev_start_with(folder, NULL, NULL);
    lines_wait(d.process->err, "^hark: ready: 0 functions");
    assert_int_equal(lines_count(d.process->err, "^hark: building"), 0);
}

static void without_cmake_it_says_so_and_serves(void **unused)
{
    (void)unused;
    struct dev d = dev_start_with(create_cmake_project(), NULL, "PATH=/nowhere");
    lines_wait(d.process->err, "^hark: warning: .* has a CMakeLists\\.txt, and there is no cmake on PATH");
    lines_wait(d.process->err, "^hark: ready: 0 functions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(what_is_saved_is_built_and_deployed),
        system_test(a_broken_source_is_shown_with_its_place_while_the_old_version_serves),
        system_test(a_cmake_file_that_is_no_good_is_mended_as_well),
        system_test(a_build_folder_that_is_there_is_used_as_it_was_set_up),
        system_test(a_makefile_is_made),
        system_test(a_warning_of_the_compiler_is_shown),
        system_test(a_folder_of_sources_that_comes_later_is_watched),
        system_test(sigterm_in_the_middle_of_a_build_leaves_nothing),
        system_test(sigquit_in_the_middle_of_a_build_leaves_nothing),
        system_test(sighup_in_the_middle_of_a_build_leaves_nothing),
        system_test(neither_does_one_of_three_signals),
        system_test(it_builds_nothing_when_told_so),
        system_test(a_part_of_a_larger_build_is_left_to_that),
        system_test(without_cmake_it_says_so_and_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

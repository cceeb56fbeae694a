/* limits_test.c: what a manifest's `limits` allow a worker, seen from inside it, and what its log may hold.
 * Time is no limit here: a busy machine gives a worker little of it. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CRASHED = 3, LINE_BYTES = 99 };

static const char *manifest_with(const char *limits)
{
    const char *folder = folder_create(), *manifest = path_in(folder, "taker.yaml");
    file_copy(path_in(TEST_PUPPETS, "taker.so"), path_in(folder, "taker.so"));
    file_print(manifest,
               "function: taker\nhandler: taker.so\ntriggers: [ { topic: take } ]\npublishes: [ out/taken ]\n"
               "timeout: 1h\nlimits: { %s }\n",
               limits);
    return manifest;
}

static struct outcome take(const char *what, const char *limits)
{
    return hark_command("invoke", manifest_with(limits), "--payload", what);
}

static int taken(const char *what, const char *limits)
{
    int count = -1;
    struct outcome o = take(what, limits);
    if (o.code != 0 || sscanf(o.out, "out/taken %d\n", &count) != 1)
        fail_msg("%s with %s: exit %d, %s%s", what, limits, o.code, o.out, o.err);
    return count;
}

#ifndef HARK_SANITIZED
static void memory_ends_where_the_manifest_says(void **unused)
{
    (void)unused;
    assert_in_range(taken("memory", "memory: 8MiB"), 2, 7);
    assert_in_range(taken("memory", "memory: 32MiB"), 20, 31);
    assert_int_equal(taken("memory", "memory: 128MiB"), 64); /* all that it asks for */
}

static void a_function_starts_no_thread_unless_the_manifest_lets_it(void **unused)
{
    (void)unused;
    assert_int_equal(taken("threads", "queue: 10"), 0);
    assert_int_equal(taken("threads", "threads: 2"), 1);
    assert_int_equal(taken("threads", "threads: 8"), 7);
}
#endif

static void files_end_where_the_manifest_says(void **unused)
{
    (void)unused;
    assert_int_equal(taken("files", "files: 4"), 4);
    assert_int_equal(taken("files", "files: 50"), 50);
    assert_int_equal(taken("files", "queue: 10"), 16);
}

static void the_least_of_everything_is_enough_to_run(void **unused)
{
    (void)unused;
    assert_int_equal(taken("print 1", "memory: 4MiB, files: 4, threads: 1, log: 1KiB/s, cpu: 1s"), 1);
}

static void processor_time_ends_where_the_manifest_says(void **unused)
{
    (void)unused;
    struct outcome o = take("burn", "cpu: 1s");
    assert_int_equal(o.code, CRASHED);
    assert_string_equal(o.out, "");
    assert_non_null(strstr(o.err, "killed by SIG"));
}

/* ---- the log ---- */

static unsigned count_lines(const char *text)
{
    unsigned count = 0;
    char number[LINE_BYTES + 2];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(number, sizeof number, "%099u\n", i);
        count += strstr(text, number) != NULL;
    }
    return count;
}

/* The sum of all that the reports say. */
static unsigned count_dropped(const char *text)
{
    unsigned long sum = 0;
    static const char report[] = "it logs more than limits.log (64KiB/s): dropped ";
    while ((text = strstr(text, report))) {
        text += sizeof report - 1;
        sum += strtoul(text, NULL, 10);
    }
    return (unsigned)sum;
}

static void flood_is_capped(const char *what, unsigned lines)
{
    struct outcome o = take(what, "log: 64KiB/s");
    assert_int_equal(o.code, 0);
    unsigned shown = count_lines(o.err), dropped = count_dropped(o.err);
    assert_in_range(shown, 64 * 1024 / (LINE_BYTES + 32), lines / 2);
    assert_int_equal(shown + dropped, lines);
}

static void a_flood_on_standard_output_is_dropped_and_counted(void **unused)
{
    (void)unused;
    flood_is_capped("print 10000", 10000);
}

static void a_flood_in_the_log_is_dropped_and_counted(void **unused)
{
    (void)unused;
    flood_is_capped("log 10000", 10000);
}

static void what_fits_is_not_dropped(void **unused)
{
    (void)unused;
    struct outcome o = take("print 300", "log: 64KiB/s");
    assert_int_equal(count_lines(o.err), 300);
    assert_int_equal(count_dropped(o.err), 0);
}

/* The worker lives on, idle: nothing but the time makes hark say it. */
static void hark_says_soon_what_it_dropped(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    file_copy(path_in(TEST_PUPPETS, "taker.so"), hark_file(s.hark, "taker.so"));
    hark_manifest(
        s.hark, "taker",
        "function: taker\nhandler: taker.so\ntriggers: [ { topic: take } ]\npublishes: [ out/taken ]\n"
        "limits: { log: 1KiB/s }\n");
    hark_wait_line(s.hark, "^hark: deployed taker ");
    device_publish(s.phone, "take", "log 2000", 1);
    stage_expect(&s, "out/taken", "2000");
    hark_wait_line(s.hark, "^hark: warning: function=taker worker=[0-9]+ it logs more than limits.log "
                           "\\(1KiB/s\\): dropped [0-9]+ lines, [0-9]+ bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef HARK_SANITIZED /* a sanitized worker has terabytes of shadow memory, and threads of its own */
        system_test(memory_ends_where_the_manifest_says),
        system_test(a_function_starts_no_thread_unless_the_manifest_lets_it),
#endif
        system_test(files_end_where_the_manifest_says),
        system_test(the_least_of_everything_is_enough_to_run),
        system_test(processor_time_ends_where_the_manifest_says),
        system_test(a_flood_on_standard_output_is_dropped_and_counted),
        system_test(a_flood_in_the_log_is_dropped_and_counted),
        system_test(what_fits_is_not_dropped),
        system_test(hark_says_soon_what_it_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

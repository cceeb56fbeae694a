#include "dispatcher/watch.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static uv_loop_t loop;
static uv_timer_t guard;
static struct watch *watch;
static unsigned told;
static bool guard_rang, told_by_event;

static void count_and_stop(void *user, bool by_event)
{
    (void)user;
    told_by_event = by_event;
    told++;
    uv_stop(&loop);
}

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    guard_rang = true;
    uv_stop(&loop);
}

static int start_loop(void **unused)
{
    (void)unused;
    told = 0;
    guard_rang = false;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &guard);
    watch = watch_create(&loop, count_and_stop, NULL);
    return watch ? 0 : -1;
}

static int close_loop(void **unused)
{
    watch_close(watch);
    uv_close((uv_handle_t *)&guard, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop) != 0)
        return -1;
    return end_of_test(unused);
}

/* Runs until `changed` is called, for at most ms. True: it was. */
static bool told_within(uint64_t ms)
{
    unsigned before = told;
    guard_rang = false;
    uv_update_time(&loop);
    uv_timer_start(&guard, on_guard, ms, 0);
    while (told == before && !guard_rang)
        uv_run(&loop, UV_RUN_DEFAULT);
    uv_timer_stop(&guard);
    return told != before;
}

static void a_new_file_is_told_before_the_rescan(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_int_equal(watch_folder(watch, folder), 0);
    file_print(path_in(folder, "a"), "x");
    assert_true(told_within(WATCH_RESCAN_MS / 2));
    assert_true(told_by_event);
}

static void overwriting_renaming_and_removing_are_told(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *a = path_in(folder, "a"), *b = path_in(folder, "b");
    file_print(a, "x");
    assert_int_equal(watch_folder(watch, folder), 0);
    file_print(a, "y");
    assert_true(told_within(WATCH_RESCAN_MS / 2));
    assert_int_equal(rename(a, b), 0);
    assert_true(told_within(WATCH_RESCAN_MS / 2));
    file_remove(b);
    assert_true(told_within(WATCH_RESCAN_MS / 2));
}

static void many_events_at_once_are_told_once(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    assert_int_equal(watch_folder(watch, folder), 0);
    for (int i = 0; i < 50; i++)
        file_print(path_in(folder, "a"), "%d", i);
    assert_true(told_within(WATCH_RESCAN_MS / 2));
    assert_false(told_within(3ull * WATCH_QUIET_MS));
    assert_int_equal(told, 1);
}

static const char *busy_file;

static void write_again(uv_timer_t *timer)
{
    (void)timer;
    file_print(busy_file, "x");
}

static void a_folder_that_never_rests_is_told_all_the_same(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    uv_timer_t writer;
    busy_file = path_in(folder, "a");
    assert_int_equal(watch_folder(watch, folder), 0);
    uv_timer_init(&loop, &writer);
    uv_timer_start(&writer, write_again, 0, WATCH_QUIET_MS / 4);
    bool was_told = told_within(WATCH_RESCAN_MS / 2);
    uv_close((uv_handle_t *)&writer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(
        was_told); /* how soon is up to the machine: a writer that is late leaves the folder at rest */
}

static void a_poke_is_told(void **unused)
{
    (void)unused;
    watch_poke(watch);
    assert_true(told_within(WATCH_RESCAN_MS / 2));
}

static void a_folder_that_is_replaced_is_watched_again_after_a_rescan(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *watched = path_in(folder, "f"), *old = path_in(folder, "old");
    assert_int_equal(mkdir(watched, 0755), 0);
    assert_int_equal(watch_folder(watch, watched), 0);
    assert_int_equal(rename(watched, old), 0);
    assert_int_equal(mkdir(watched, 0755), 0);
    assert_true(told_within(WATCH_RESCAN_MS / 2)); /* the renaming itself */
    assert_true(told_within(2ull * WATCH_RESCAN_MS));
    file_print(path_in(watched, "a"), "x");
    assert_true(told_within(WATCH_RESCAN_MS / 2));
}

static void a_folder_that_comes_later_is_found_by_the_rescan(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *later = path_in(folder, "later");
    assert_int_equal(watch_folder(watch, later), 0);
    assert_int_equal(mkdir(later, 0755), 0);
    assert_true(told_within(2ull * WATCH_RESCAN_MS));
    assert_false(told_by_event);
    file_print(path_in(later, "a"), "x");
    assert_true(told_within(WATCH_RESCAN_MS / 2));
}

static void a_folder_may_be_added_twice_but_not_without_end(void **unused)
{
    (void)unused;
    char path[64];
    for (int i = 0; i < WATCH_FOLDERS_MAX; i++) {
        snprintf(path, sizeof path, "/nowhere/%d", i);
        assert_int_equal(watch_folder(watch, path), 0);
        assert_int_equal(watch_folder(watch, path), 0);
    }
    assert_int_equal(watch_folder(watch, "/nowhere/more"), -ENOSPC);
}

#define watch_test(f) cmocka_unit_test_setup_teardown(f, start_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        watch_test(a_new_file_is_told_before_the_rescan),
        watch_test(overwriting_renaming_and_removing_are_told),
        watch_test(many_events_at_once_are_told_once),
        watch_test(a_folder_that_never_rests_is_told_all_the_same),
        watch_test(a_poke_is_told),
        watch_test(a_folder_that_is_replaced_is_watched_again_after_a_rescan),
        watch_test(a_folder_that_comes_later_is_found_by_the_rescan),
        watch_test(a_folder_may_be_added_twice_but_not_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A command that `hark dev` runs: what it says, its end, and what is left of it when it cannot be watched. */
#include "cli/dev_run.h"
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int poll_error;

int __real_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);
int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);

int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
    return poll_error ? poll_error : __real_uv_poll_init(loop, poll, fd);
}

static uv_loop_t loop;
static struct dev_run run;
static bool has_ended;
static size_t files_before;

static size_t open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t count = 0;
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static int open_loop(void **unused)
{
    (void)unused;
    poll_error = 0;
    has_ended = false;
    int error = uv_loop_init(&loop);
    files_before = open_files();
    return error;
}

static int close_loop(void **unused)
{
    (void)unused;
    dev_run_finish(&run);
    assert_int_equal(open_files(), files_before);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void on_ended(void *user)
{
    (void)user;
    has_ended = true;
}

static int start(const char *script)
{
    const struct dev_command command = {.words = {"sh", "-c", script, NULL}};
    return dev_run_start(&run, &loop, &command, on_ended, NULL);
}

static void until_it_has_ended(void)
{
    while (!has_ended)
        uv_run(&loop, UV_RUN_ONCE);
}

static void then_it_said(const char *words)
{
    assert_int_equal(run.said_len, strlen(words));
    assert_memory_equal(run.said, words, run.said_len);
}

static void what_it_says_is_there_when_it_has_ended(void **unused)
{
    (void)unused;
    assert_int_equal(start("echo one; echo two >&2; exit 3"), 0);
    assert_false(has_ended);
    until_it_has_ended();
    then_it_said("one\ntwo\n");
    assert_int_equal(WEXITSTATUS(run.status), 3);
}

/* Orders come by a descriptor that it inherits. */
static void one_that_has_nothing_more_to_say_is_waited_for(void **unused)
{
    (void)unused;
    char script[64];
    int orders[2];
    assert_int_equal(pipe(orders), 0);
    snprintf(script, sizeof script, "echo one; exec >&- 2>&-; read word </proc/self/fd/%d; exit 4",
             orders[0]);
    assert_int_equal(start(script), 0);
    while (run.said_len == 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(write(orders[1], "go\n", 3), 3);
    until_it_has_ended();
    then_it_said("one\n");
    assert_int_equal(WEXITSTATUS(run.status), 4);
    close(orders[0]);
    close(orders[1]);
}

static void one_that_cannot_be_watched_is_not_left_running(void **unused)
{
    (void)unused;
    int held[2];
    char byte;
    assert_int_equal(pipe(held), 0);
    poll_error = UV_ENOSPC;
    assert_int_equal(start("tail -f /dev/null & tail -f /dev/null"), -ENOSPC);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    close(held[1]);
    assert_int_equal(read(held[0], &byte, 1), 0); /* nobody else has the other end */
    close(held[0]);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_false(has_ended);

    poll_error = 0;
    assert_int_equal(start("echo again"), 0);
    until_it_has_ended();
    then_it_said("again\n");
}

int main(void)
{
#define loop_test(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)
    const struct CMUnitTest tests[] = {
        loop_test(what_it_says_is_there_when_it_has_ended),
        loop_test(one_that_has_nothing_more_to_say_is_waited_for),
        loop_test(one_that_cannot_be_watched_is_not_left_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

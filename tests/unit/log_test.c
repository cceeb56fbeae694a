/* The log never stops the one who logs, and no input can forge a line of it. */
#include "shared/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int saved_stderr, reader;

/* Standard error is a small pipe with a reader that reads when it is told to. */
static int to_a_pipe(void **unused)
{
    (void)unused;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
    fcntl(ends[1], F_SETFL, 0); /* a write that does not fit would block for ever */
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    reader = ends[0];
    return 0;
}

static int back_to_the_terminal(void **unused)
{
    (void)unused;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(reader);
    return 0;
}

static void read_all(char *text, size_t size)
{
    size_t used = 0;
    ssize_t got;
    while (used + 1 < size && (got = read(reader, text + used, size - used - 1)) > 0)
        used += (size_t)got;
    text[used] = '\0';
}

static void a_reader_that_stops_reading_stops_nobody(void **unused)
{
    (void)unused;
    char text[16384];
    for (int i = 0; i < 1000; i++)
        log_info("line %d of many, all of them rather long, so that the pipe is soon full", i);
    read_all(text, sizeof text);
    assert_non_null(strstr(text, "hark: line 0 of many"));
    assert_null(strstr(text, "line 999"));
    log_info("here again");
    read_all(text, sizeof text);
    unsigned long lost = 0;
    assert_int_equal(sscanf(text, "hark: warning: %lu log lines were lost", &lost), 1);
    assert_in_range(lost, 900, 999);
}

static void what_was_lost_is_said_once(void **unused)
{
    (void)unused;
    char text[16384];
    log_info("after");
    read_all(text, sizeof text);
    log_info("and after");
    read_all(text, sizeof text);
    assert_string_equal(text, "hark: and after\n");
}

static void control_characters_are_shown_and_not_obeyed(void **unused)
{
    (void)unused;
    char text[256];
    log_warn("a\nhark: error: forged\x1b[31m\xc2\x9b"
             "2J\x9b"
             "2J\xff");
    read_all(text, sizeof text);
    assert_string_equal(text, "hark: warning: a\\x0ahark: error: forged\\x1b[31m\\x9b2J\\x9b2J\\xff\n");
}

static void a_line_is_never_longer_than_a_pipe_takes_at_once(void **unused)
{
    (void)unused;
    char text[8192], big[6000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    log_error("%s", big);
    read_all(text, sizeof text);
    assert_true(strlen(text) <= LOG_LINE_MAX);
    assert_true(strcmp(text + strlen(text) - 4, "…\n") == 0);
}

/* The last of all: there is no way back. */
static void the_journal_is_told_the_priority(void **unused)
{
    (void)unused;
    static const char *const expected[] = {"<7>hark: debug: x\n", "<6>hark: x\n", "<4>hark: warning: x\n",
                                           "<3>hark: error: x\n"};
    char text[16384];
    log_set_level(LOG_DEBUG);
    log_mark_priorities();
    for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        log_line(level, "x");
        read_all(text, sizeof text);
        assert_string_equal(text, expected[level]);
    }
    for (int i = 0; i < 1000; i++)
        log_info("line %d of many, all of them rather long, so that the pipe is soon full", i);
    read_all(text, sizeof text);
    log_error("x");
    read_all(text, sizeof text);
    assert_memory_equal(text, "<4>hark: warning: ", 18);
    assert_non_null(strstr(text, "too slow\n<3>hark: error: x\n"));
}

int main(void)
{
    log_never_wait();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reader_that_stops_reading_stops_nobody, to_a_pipe,
                                        back_to_the_terminal),
        cmocka_unit_test_setup_teardown(what_was_lost_is_said_once, to_a_pipe, back_to_the_terminal),
        cmocka_unit_test_setup_teardown(control_characters_are_shown_and_not_obeyed, to_a_pipe,
                                        back_to_the_terminal),
        cmocka_unit_test_setup_teardown(a_line_is_never_longer_than_a_pipe_takes_at_once, to_a_pipe,
                                        back_to_the_terminal),
        cmocka_unit_test_setup_teardown(the_journal_is_told_the_priority, to_a_pipe, back_to_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* lines.h: the lines that a child process writes, as a test reads them: kept in order, waited for by pattern.
 *
 * A thread drains the pipe at once, so that a child never blocks on a test that looks elsewhere. */
#ifndef TESTS_SUPPORT_LINES_H
#define TESTS_SUPPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct lines;

/* Takes fd. `name` is borrowed, for what is printed when a test fails. */
struct lines *lines_create(const char *name, int fd);

/* Joins the thread and frees. The writer must be gone, or the call waits for it. */
void lines_destroy(struct lines *l);

/* Waits for a line that matches the extended regular expression, and consumes it and all before it. NULL when
 * the deadline or the end of the stream comes first. Borrowed until lines_destroy. */
const char *lines_find(struct lines *l, const char *pattern, int within_ms);

/* The same, and a failed test instead of NULL. */
const char *lines_wait(struct lines *l, const char *pattern);

/* Every line so far that matches, consumed or not. */
size_t lines_count(struct lines *l, const char *pattern);

/* Drops all that has come so far, as if it had never been written. */
void lines_drop(struct lines *l);

/* Waits for the end of the stream; false: the deadline came first. */
bool lines_ended(struct lines *l, int within_ms);

/* All that was written so far, as one string; the caller frees. */
char *lines_text(struct lines *l);

/* All of them, each with the seconds from zero_ns on the monotonic clock to when it came. */
void lines_write(struct lines *l, FILE *to, uint64_t zero_ns);

/* The last lines, on standard error, for the reader of a failed test. */
void lines_print(struct lines *l);

#endif

#include "shared/log.h"

#include "shared/visible.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LOST_LINE_MAX = 92 }; /* with a mark and a line no more than PIPE_BUF */

static enum log_level threshold = LOG_INFO;
static void (*sink_function)(void *user, enum log_level level, const char *line);
static void *sink_user;
static unsigned long lost_lines;
static bool never_waits;
static bool marks_priorities;

void log_set_level(enum log_level level)
{
    threshold = level;
}

enum log_level log_level(void)
{
    return threshold;
}

void log_never_wait(void)
{
    never_waits = true;
}

void log_mark_priorities(void)
{
    marks_priorities = true;
}

void log_set_sink(void (*sink)(void *user, enum log_level level, const char *line), void *user)
{
    sink_function = sink;
    sink_user = user;
}

/* Copies text to line[size], made visible; returns the length. */
static size_t escape(const char *text, char *line, size_t size)
{
    size_t used = 0;
    struct visible v;
    for (size_t left = strlen(text), taken; *text && used + 8 < size; text += taken, left -= taken) {
        taken = visible_take(text, left, &v);
        memcpy(line + used, v.bytes, v.len);
        used += v.len;
    }
    if (*text) {
        memcpy(line + used, "…", 3);
        used += 3;
    }
    line[used] = '\0';
    return used;
}

/* A reader that has stopped reading must not stop every function: what a pipe has no room for is counted
 * instead. A pipe that is ready takes PIPE_BUF bytes, pipe(7). */
static bool has_room(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return !never_waits || poll(&out, 1, 0) != 0;
}

/* All in one write: a pipe of one page is full after the first. */
static void write_line(enum log_level level, const char *line, size_t len)
{
    static const char *const priorities[] = {"<7>", "<6>", "<4>", "<3>"}; /* syslog(3) */
    char lost[LOST_LINE_MAX];
    int used = 0;
    if (!has_room()) {
        lost_lines++;
        return;
    }
    if (lost_lines)
        used = snprintf(lost, sizeof lost,
                        "%shark: warning: %lu log lines were lost: their reader is too slow\n",
                        marks_priorities ? priorities[LOG_WARN] : "", lost_lines);
    lost_lines = 0;
    const char *mark = marks_priorities ? priorities[level] : "";
    const struct iovec all[] = {
        {lost, (size_t)used}, {(void *)(uintptr_t)mark, strlen(mark)}, {(void *)(uintptr_t)line, len}};
    ssize_t written = writev(STDERR_FILENO, all, 3);
    (void)written; /* nowhere left to say it */
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const prefixes[] = {"hark: debug: ", "hark: ", "hark: warning: ", "hark: error: "};
    char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
    if (level < threshold)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = (size_t)snprintf(line, sizeof line, "%s", prefixes[level]);
    used += escape(text, line + used, sizeof line - used - 2);
    if (sink_function) {
        sink_function(sink_user, level, line);
        return;
    }
    line[used++] = '\n';
    write_line(level, line, used);
}

#include "shared/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level threshold = LOG_INFO;
static void (*sink_function)(void *user, enum log_level level, const char *line);
static void *sink_user;

void log_set_level(enum log_level level)
{
    threshold = level;
}

enum log_level log_level(void)
{
    return threshold;
}

void log_set_sink(void (*sink)(void *user, enum log_level level, const char *line), void *user)
{
    sink_function = sink;
    sink_user = user;
}

/* Copies text to line[size], control characters as \xNN; returns the length. */
static size_t escape(const char *text, char *line, size_t size)
{
    size_t used = 0;
    for (; *text && used + 8 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            used += (size_t)snprintf(line + used, size - used, "\\x%02x", c);
        else
            line[used++] = (char)c;
    }
    if (*text) {
        memcpy(line + used, "…", 3);
        used += 3;
    }
    line[used] = '\0';
    return used;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const prefixes[] = {"hark: debug: ", "hark: ", "hark: warning: ", "hark: error: "};
    char text[LOG_LINE_MAX], line[LOG_LINE_MAX + 32];
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
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* nowhere left to say it */
}

/* log.h: one line on standard error for each thing a person should know: `hark: [level: ]text`.
 *
 * The shell logs, the core returns. A line is one write(2), so lines of several processes do not mix.
 * Control characters in the text, and what is no UTF-8, are shown as \xNN: what a function or a device sent
 * cannot forge a line. */
#ifndef HARK_SHARED_LOG_H
#define HARK_SHARED_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum {
    LOG_LINE_MAX = 4000 /* bytes of a line, its end included; what is longer ends in "…". With a word about
                         * lost lines before it, still no more than PIPE_BUF */
};

/* From now on a line never waits for a slow reader of the pipe that standard error is: what it has no room
 * for is counted, and said when it reads again. For a process that serves; a command that ends soon had
 * better wait. */
void log_never_wait(void);

/* From now on a line begins with <N>, its priority, which the journal takes off: sd-daemon(3). A sink gets
 * lines without it. */
void log_mark_priorities(void);

/* Lines below the level are not written. LOG_INFO at start. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Where lines go instead of standard error: `hark dev` and tests take them. NULL restores standard error. The
 * text is one line without its end, prefix included. */
void log_set_sink(void (*sink)(void *user, enum log_level level, const char *line), void *user);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif

#include "cli/dev_print.h"

#include "shared/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 120 };

#define RED    "\033[1;31m"
#define YELLOW "\033[33m"
#define BLUE   "\033[34m"
#define NORMAL "\033[0m"

/* ---- the log, at a terminal ---- */

static const char *colour_of(enum log_level level, const char *line)
{
    static const char of_function[] = "hark: function=";
    if (level == LOG_ERROR)
        return RED;
    if (level == LOG_WARN)
        return YELLOW;
    return strncmp(line, of_function, sizeof of_function - 1) == 0 ? BLUE : "";
}

static void on_log(void *user, enum log_level level, const char *line)
{
    const char *colour = colour_of(level, line);
    (void)user;
    fprintf(stderr, "%s%s%s\n", colour, line, colour[0] ? NORMAL : "");
}

/* ---- the messages ---- */

void dev_print_init(struct dev_print *p)
{
    const char *no_color = getenv("NO_COLOR");
    bool colours = !(no_color && no_color[0]);
    *p = (struct dev_print){.is_terminal = isatty(STDOUT_FILENO) == 1};
    p->colours = colours && p->is_terminal;
    if (colours && isatty(STDERR_FILENO))
        log_set_sink(on_log, NULL);
}

void dev_print_finish(struct dev_print *p)
{
    log_set_sink(NULL, NULL);
    dev_line_finish(&p->line);
}

/* The window may have another size each time. */
static struct dev_style style_of(const struct dev_print *p)
{
    struct winsize window;
    struct dev_style style = {.colours = p->colours};
    if (!p->is_terminal)
        return style;
    style.width = WIDTH_DEFAULT;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        style.width = window.ws_col;
    if (style.width < DEV_WIDTH_MIN)
        style.width = DEV_WIDTH_MIN;
    if (style.width > DEV_WIDTH_MAX)
        style.width = DEV_WIDTH_MAX;
    return style;
}

static void begin(struct dev_print *p, const char *function)
{
    struct timespec now;
    dev_line_finish(&p->line);
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &p->line.clock);
    p->line.milliseconds = (int)(now.tv_nsec / 1000000);
    p->line.function = strdup(function);
}

static void end(struct dev_print *p)
{
    const struct dev_style style = style_of(p);
    dev_line_print(&p->line, &style, stdout);
    dev_line_finish(&p->line);
    p->is_open = false;
}

/* A tick has no topic. */
static struct slice source_of(const struct mqtt_message *message)
{
    return message->topic.data || !message->property_count ? message->topic : message->properties[0].value;
}

static void on_received(void *user, const char *function, const struct mqtt_message *message)
{
    (void)user, (void)function, (void)message;
}

static void on_finished(void *user, const char *function, const struct mqtt_message *message,
                        const char *outcome, uint64_t duration_ns)
{
    struct dev_print *p = user;
    bool whole = !p->is_terminal;
    begin(p, function);
    p->line.topic = dev_line_text(source_of(message), whole);
    p->line.payload = dev_line_text(message->payload, whole);
    p->line.marks = message->retained ? " (retained)" : !message->topic.data ? " (timer)" : "";
    p->line.outcome = dev_line_text(slice_of(outcome), whole);
    p->line.good = strcmp(outcome, "ok") == 0;
    p->line.duration_ns = duration_ns;
    p->is_open = true;
}

/* One that comes outside of that is a dead letter that is sent once more, or what no attempt was made for. */
static void on_published(void *user, const char *function, const struct mqtt_publish *publish)
{
    struct dev_print *p = user;
    bool is_late = !p->is_open, whole = !p->is_terminal;
    if (is_late)
        begin(p, function);
    dev_line_add_output(&p->line, dev_line_text(publish->topic, whole),
                        dev_line_text(publish->payload, whole), publish->retain);
    if (is_late)
        end(p);
}

static void on_settled(void *user)
{
    end(user);
}

const struct observer dev_print_observer = {
    .received = on_received, .finished = on_finished, .published = on_published, .settled = on_settled};

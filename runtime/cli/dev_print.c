#include "cli/dev_print.h"

#include "cli/display.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 120, WIDTH_MIN = 60, WIDTH_MAX = 400, FUNCTION_WIDTH = 14, PAYLOAD_MIN = 16 };

#define GREEN  "\033[32m"
#define RED    "\033[31m"
#define CYAN   "\033[36m"
#define GREY   "\033[90m"
#define NORMAL "\033[0m"

void dev_print_init(struct dev_print *p)
{
    struct winsize window;
    const char *no_color = getenv("NO_COLOR");
    bool terminal = isatty(STDOUT_FILENO) == 1;
    p->colours = terminal && !(no_color && no_color[0]);
    p->width = WIDTH_DEFAULT;
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        p->width = window.ws_col < WIDTH_MIN ? WIDTH_MIN : window.ws_col;
    if (p->width > WIDTH_MAX)
        p->width = WIDTH_MAX;
}

static void print_start(const struct dev_print *p, const char *function, const char *colour,
                        const char *arrow)
{
    struct timespec now;
    struct tm parts;
    char clock[16];
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &parts);
    strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    printf("%s%s.%03ld%s  %-*s %s%s%s ", p->colours ? GREY : "", clock, now.tv_nsec / 1000000,
           p->colours ? NORMAL : "", FUNCTION_WIDTH, function, p->colours ? colour : "", arrow,
           p->colours ? NORMAL : "");
}

/* `left`: columns of the line that are still free. */
static void print_message(size_t left, struct slice topic, struct slice payload, const char *marks)
{
    char shown[4 * WIDTH_MAX + 8];
    display_bytes(topic, left > PAYLOAD_MIN + 8 ? left - PAYLOAD_MIN : 8, shown, sizeof shown);
    printf("%s%s", shown, marks);
    size_t used = strlen(shown) + strlen(marks) + 2;
    display_bytes(payload, left > used + PAYLOAD_MIN ? left - used : PAYLOAD_MIN, shown, sizeof shown);
    printf("  %s\n", shown);
}

static size_t columns_left(const struct dev_print *p, const char *function)
{
    size_t name = strlen(function) > FUNCTION_WIDTH ? strlen(function) : FUNCTION_WIDTH;
    size_t used = sizeof "12:34:56.789  " - 1 + name + sizeof " -> " - 1;
    return p->width > used + 2 * PAYLOAD_MIN ? p->width - used : 2 * PAYLOAD_MIN;
}

/* A tick has no topic. */
static struct slice source_of(const struct mqtt_message *message)
{
    return message->topic.data || !message->property_count ? message->topic : message->properties[0].value;
}

static void on_received(void *user, const char *function, const struct mqtt_message *message)
{
    const struct dev_print *p = user;
    print_start(p, function, CYAN, "<-");
    print_message(columns_left(p, function), source_of(message), message->payload,
                  message->retained      ? " (retained)"
                  : !message->topic.data ? " (timer)"
                                         : "");
}

static void on_published(void *user, const char *function, const struct mqtt_publish *publish)
{
    const struct dev_print *p = user;
    print_start(p, function, GREEN, "->");
    print_message(columns_left(p, function), publish->topic, publish->payload,
                  publish->retain ? " (retain)" : "");
}

static void on_finished(void *user, const char *function, const struct mqtt_message *message,
                        const char *outcome, uint64_t duration_ns)
{
    const struct dev_print *p = user;
    char topic[4 * WIDTH_MAX + 8];
    bool good = strcmp(outcome, "ok") == 0;
    display_bytes(source_of(message), columns_left(p, function) / 2, topic, sizeof topic);
    print_start(p, function, good ? GREY : RED, "==");
    printf("%s  %s%s%s  %.3f ms\n", topic, p->colours ? good ? GREY : RED : "", outcome,
           p->colours ? NORMAL : "", (double)duration_ns / 1e6);
}

const struct observer dev_print_observer = {
    .received = on_received, .finished = on_finished, .published = on_published};

#include "cli/message_lines.h"

#include "cli/moment.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    LINE_BYTES_MAX = 256 * 1024 * 1024 /* a packet of 32 MiB, each byte of it as \u0001, and some more */
};

static const uint64_t PAUSE_SAID_NS = 300 * NS_PER_S;

static void drop_parsed(struct message_lines *l)
{
    if (l->has_parsed)
        message_parse_finish(&l->parsed);
    l->has_parsed = false;
}

/* ---- bytes ---- */

static bool has_whole_line(struct message_lines *l)
{
    if (l->searched == l->used)
        return false; /* maybe nothing was read yet */
    const char *end = memchr(l->bytes + l->searched, '\n', l->used - l->searched);
    l->searched = end ? (size_t)(end - l->bytes) : l->used;
    return end;
}

static void make_room(struct message_lines *l)
{
    if (l->next > 0) {
        memmove(l->bytes, l->bytes + l->next, l->used - l->next);
        l->searched -= l->next;
        l->used -= l->next;
        l->next = 0;
    }
    if (l->capacity - l->used < READ_BYTES + 1) { /* a NUL goes behind the last line */
        l->capacity = 2 * l->capacity + READ_BYTES + 1;
        l->bytes = realloc(l->bytes, l->capacity);
        CHECK(l->bytes);
    }
}

/* Some more bytes, for which it waits also where somebody made reading non-blocking, or the end. */
static void read_more(struct message_lines *l)
{
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};
    ssize_t n;
    make_room(l);
    while ((n = read(l->fd, l->bytes + l->used, READ_BYTES)) < 0 && (errno == EINTR || errno == EAGAIN))
        poll(&fd, 1, -1);
    if (n < 0)
        log_error("%s: cannot be read: %s", l->name, strerror(errno));
    l->is_broken |= n < 0;
    l->at_end = n <= 0;
    l->used += n > 0 ? (size_t)n : 0;
}

/* Can a line, or the end, be taken from what was read? */
static bool is_complete(struct message_lines *l)
{
    return has_whole_line(l) || l->at_end || l->used - l->next > LINE_BYTES_MAX;
}

/* What some editors and shells put in front of UTF-8. */
static void skip_byte_order_mark(struct message_lines *l)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    if (l->number > 1 || l->length < sizeof mark || memcmp(l->line, mark, sizeof mark) != 0)
        return;
    l->line += sizeof mark;
    l->length -= sizeof mark;
}

static bool read_line(struct message_lines *l)
{
    while (!is_complete(l))
        read_more(l);
    if (l->next == l->used)
        return false;
    l->line = l->bytes + l->next;
    l->length = l->searched - l->next;
    l->number++;
    if (l->searched < l->used)
        l->searched++;
    else if (!l->at_end)
        l->is_too_long = l->at_end = true;
    l->next = l->searched;
    if (l->length > 0 && l->line[l->length - 1] == '\r')
        l->length--;
    l->line[l->length] = '\0';
    skip_byte_order_mark(l);
    return true;
}

static bool is_blank(const struct message_lines *l)
{
    return !l->is_too_long && strspn(l->line, " \t") >= l->length;
}

bool message_lines_ready(struct message_lines *l)
{
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};
    drop_parsed(l);
    while (!l->has_line) {
        if (is_complete(l)) {
            if (!read_line(l))
                return true;
            l->has_line = !is_blank(l);
        } else if (poll(&fd, 1, 0) > 0) {
            read_more(l);
        } else {
            return false;
        }
    }
    return true;
}

/* ---- lines ---- */

int message_lines_open(struct message_lines *l, const char *path)
{
    bool is_standard = strcmp(path, "-") == 0;
    *l = (struct message_lines){.fd = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
                                .name = is_standard ? "standard input" : path};
    return l->fd < 0 ? -errno : 0;
}

bool message_lines_piped(struct message_lines *l)
{
    struct stat s;
    *l = (struct message_lines){.fd = STDIN_FILENO, .name = "standard input"};
    if (fstat(l->fd, &s) != 0 || !(S_ISFIFO(s.st_mode) || S_ISREG(s.st_mode) || S_ISSOCK(s.st_mode)))
        return false;
    l->has_line = read_line(l);
    if (!l->has_line)
        message_lines_finish(l);
    return l->has_line;
}

static enum message_line complain(const struct message_lines *l, const struct diag *diag)
{
    log_error("%s:%zu: %s", l->name, l->number, diag->text);
    return LINE_BAD;
}

static enum message_line refuse_length(struct message_lines *l)
{
    struct diag diag;
    diag_set(&diag, NULL, 0, 0, "longer than %d MiB: what is behind it is not read", LINE_BYTES_MAX >> 20);
    l->is_too_long = false;
    return complain(l, &diag);
}

static enum message_line take_line(struct message_lines *l)
{
    struct diag diag;
    l->has_parsed = message_parse(slice_make(l->line, l->length), &l->parsed, &diag) == 0;
    return l->has_parsed ? LINE_MESSAGE : complain(l, &diag);
}

enum message_line message_lines_next(struct message_lines *l)
{
    drop_parsed(l);
    while (l->has_line || read_line(l)) {
        l->has_line = false;
        if (l->is_too_long)
            return refuse_length(l);
        if (!is_blank(l))
            return take_line(l);
    }
    bool is_broken = l->is_broken;
    l->is_broken = false;
    return is_broken ? LINE_BAD : LINE_END;
}

enum message_line message_lines_next_for(struct message_lines *l, const struct manifest *m)
{
    struct diag diag;
    enum message_line kind = message_lines_next(l);
    return kind == LINE_MESSAGE && aim_parsed(m, &l->parsed, &l->aimed, &diag) < 0 ? complain(l, &diag)
                                                                                   : kind;
}

/* 0: it does not say, or it is no moment. */
static uint64_t recorded_ns(const struct message_lines *l)
{
    uint64_t ns = 0;
    if (l->parsed.time && moment_parse(l->parsed.time, &ns) < 0)
        log_warn("%s:%zu: time '%s' is no moment such as 2026-11-22T16:46:28.250Z: it is sent at once",
                 l->name, l->number, l->parsed.time);
    return ns;
}

uint64_t message_lines_due_ns(const struct message_lines *l, struct pace *pace)
{
    uint64_t now_ns = clock_now_ns(), due_ns = pace_due(pace, recorded_ns(l), now_ns);
    if (due_ns > now_ns + PAUSE_SAID_NS)
        log_info(
            "%s:%zu: it comes in %llu s, as it was recorded: --speed N makes pauses shorter, --speed max "
            "leaves them out",
            l->name, l->number, (unsigned long long)((due_ns - now_ns) / NS_PER_S));
    return due_ns;
}

void message_lines_finish(struct message_lines *l)
{
    drop_parsed(l);
    free(l->bytes);
    l->bytes = l->line = NULL;
    if (l->fd > STDIN_FILENO)
        close(l->fd);
    l->fd = -1;
}

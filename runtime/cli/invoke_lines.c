#include "cli/invoke_lines.h"

#include "cli/aim.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_line(struct invoke_lines *l)
{
    ssize_t len = getline(&l->line, &l->capacity, l->input);
    if (len < 0)
        return false;
    l->number++;
    if (len > 0 && l->line[len - 1] == '\n')
        l->line[--len] = '\0';
    if (len > 0 && l->line[len - 1] == '\r')
        l->line[--len] = '\0';
    l->length = (size_t)len;
    return true;
}

bool invoke_lines_begin(struct invoke_lines *l, const struct revision *r)
{
    struct stat s;
    *l = (struct invoke_lines){.input = stdin, .revision = r};
    if (fstat(STDIN_FILENO, &s) != 0 || !(S_ISFIFO(s.st_mode) || S_ISREG(s.st_mode) || S_ISSOCK(s.st_mode)))
        return false;
    l->has_line = read_line(l);
    if (!l->has_line)
        invoke_lines_finish(l);
    return l->has_line;
}

static void drop_parsed(struct invoke_lines *l)
{
    if (l->has_parsed)
        message_parse_finish(&l->parsed);
    l->has_parsed = false;
}

static int aim(struct invoke_lines *l, struct diag *diag)
{
    const struct manifest *m = l->revision->manifest;
    if (l->parsed.timer)
        return aim_tick(m, l->parsed.timer, &l->parsed.mqtt, &l->timer, diag);
    if (l->parsed.mqtt.payload.len <= m->limit_payload_bytes)
        return aim_message(m, &l->parsed.mqtt, &l->captures, diag);
    diag_set(diag, NULL, 0, 0,
             "the payload has more than %llu bytes, which is this function's limits.payload",
             (unsigned long long)m->limit_payload_bytes);
    return -1;
}

static enum invoke_line take_line(struct invoke_lines *l)
{
    struct diag diag;
    l->captures = (struct topic_captures){0};
    l->has_parsed = message_parse(slice_make(l->line, l->length), &l->parsed, &diag) == 0;
    if (l->has_parsed && aim(l, &diag) == 0)
        return LINE_MESSAGE;
    log_error("standard input:%zu: %s", l->number, diag.text);
    return LINE_BAD;
}

enum invoke_line invoke_lines_next(struct invoke_lines *l)
{
    drop_parsed(l);
    while (l->has_line || read_line(l)) {
        l->has_line = false;
        if (strspn(l->line, " \t") < l->length)
            return take_line(l);
    }
    return LINE_END;
}

void invoke_lines_finish(struct invoke_lines *l)
{
    drop_parsed(l);
    free(l->line);
    l->line = NULL;
}

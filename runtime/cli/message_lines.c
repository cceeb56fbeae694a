#include "cli/message_lines.h"

#include "shared/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_line(struct message_lines *l)
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

int message_lines_open(struct message_lines *l, const char *path)
{
    bool is_standard = strcmp(path, "-") == 0;
    *l = (struct message_lines){.input = is_standard ? stdin : fopen(path, "re"),
                                .name = is_standard ? "standard input" : path};
    return l->input ? 0 : -errno;
}

bool message_lines_piped(struct message_lines *l)
{
    struct stat s;
    *l = (struct message_lines){.input = stdin, .name = "standard input"};
    if (fstat(STDIN_FILENO, &s) != 0 || !(S_ISFIFO(s.st_mode) || S_ISREG(s.st_mode) || S_ISSOCK(s.st_mode)))
        return false;
    l->has_line = read_line(l);
    if (!l->has_line)
        message_lines_finish(l);
    return l->has_line;
}

static void drop_parsed(struct message_lines *l)
{
    if (l->has_parsed)
        message_parse_finish(&l->parsed);
    l->has_parsed = false;
}

static enum message_line complain(const struct message_lines *l, const struct diag *diag)
{
    log_error("%s:%zu: %s", l->name, l->number, diag->text);
    return LINE_BAD;
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
        if (strspn(l->line, " \t") < l->length)
            return take_line(l);
    }
    return LINE_END;
}

enum message_line message_lines_next_for(struct message_lines *l, const struct manifest *m)
{
    struct diag diag;
    enum message_line kind = message_lines_next(l);
    return kind == LINE_MESSAGE && aim_parsed(m, &l->parsed, &l->aimed, &diag) < 0 ? complain(l, &diag)
                                                                                   : kind;
}

void message_lines_finish(struct message_lines *l)
{
    drop_parsed(l);
    free(l->line);
    l->line = NULL;
    if (l->input && l->input != stdin)
        fclose(l->input);
}

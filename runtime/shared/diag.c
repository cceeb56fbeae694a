#include "shared/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void make_printable(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

__attribute__((format(printf, 5, 0))) static void diag_vset(struct diag *d, const char *file, unsigned line,
                                                            unsigned column, const char *format, va_list args)
{
    snprintf(d->file, sizeof d->file, "%s", file ? file : "");
    d->line = line;
    d->column = column;
    vsnprintf(d->text, sizeof d->text, format, args);
    make_printable(d->file);
    make_printable(d->text);
}

void diag_set(struct diag *d, const char *file, unsigned line, unsigned column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_vset(d, file, line, column, format, args);
    va_end(args);
}

void diags_append(struct diags *list, const struct diag *d)
{
    if (list->count == DIAGS_MAX) {
        list->dropped++;
        return;
    }
    struct diag *items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items) {
        list->dropped++;
        return;
    }
    list->items = items;
    list->items[list->count++] = *d;
}

void diags_add(struct diags *list, const char *file, unsigned line, unsigned column, const char *format, ...)
{
    struct diag d;
    va_list args;
    va_start(args, format);
    diag_vset(&d, file, line, column, format, args);
    va_end(args);
    diags_append(list, &d);
}

void diags_finish(struct diags *list)
{
    free(list->items);
    *list = (struct diags){0};
}

const char *diag_format(const struct diag *d, char *buffer, size_t size)
{
    if (!d->file[0])
        snprintf(buffer, size, "%s", d->text);
    else if (!d->line)
        snprintf(buffer, size, "%s: %s", d->file, d->text);
    else
        snprintf(buffer, size, "%s:%u:%u: %s", d->file, d->line, d->column ? d->column : 1, d->text);
    return buffer;
}

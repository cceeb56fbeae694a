#include "cli/dev_line.h"

#include "cli/columns.h"
#include "cli/display.h"
#include "shared/utf8.h"

#include <stdlib.h>
#include <string.h>

#define GREEN  "\033[32m"
#define RED    "\033[1;31m"
#define CYAN   "\033[36m"
#define BOLD   "\033[1m"
#define GREY   "\033[90m"
#define NORMAL "\033[0m"

static const size_t UNBOUND = SIZE_MAX;

/* ---- texts ---- */

static char *whole_text(struct slice bytes)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    display_write(bytes, f);
    return fclose(f) == 0 ? text : NULL;
}

char *dev_line_text(struct slice bytes, bool whole)
{
    char shown[4 * DEV_WIDTH_MAX + 8];
    if (whole && utf8_valid(bytes))
        return whole_text(bytes);
    display_bytes(bytes, DEV_WIDTH_MAX, shown, sizeof shown);
    return strdup(shown);
}

void dev_line_add_output(struct dev_line *l, char *topic, char *payload, bool retain)
{
    struct dev_output *more = reallocarray(l->outputs, l->output_count + 1, sizeof *more);
    if (!more) {
        free(topic);
        free(payload);
        return;
    }
    l->outputs = more;
    more[l->output_count++] = (struct dev_output){topic, payload, retain};
}

void dev_line_finish(struct dev_line *l)
{
    for (size_t i = 0; i < l->output_count; i++) {
        free(l->outputs[i].topic);
        free(l->outputs[i].payload);
    }
    free(l->outputs);
    free(l->topic);
    free(l->payload);
    free(l->function);
    free(l->outcome);
    *l = (struct dev_line){0};
}

/* ---- columns ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What stands between and around. */
enum { CLOCK = 12, GAP = 2, ARROW = 4, RETAIN = 9 };

#define DURATION "  %.3f ms  "
#define MORE     "%zu more"

/* How a line is cut: columns of a topic, of a payload and of the outcome, outputs. */
struct cut {
    size_t topic, payload, outcome, outputs;
};

static double milliseconds_of(const struct dev_line *l)
{
    return (double)l->duration_ns / 1e6;
}

static size_t payload_columns(const char *payload, const struct cut *c)
{
    return payload && payload[0] ? GAP + least(columns_of(payload), c->payload) : 0;
}

static size_t message_columns(const struct dev_line *l, const struct cut *c)
{
    return least(columns_of(l->topic), c->topic) + columns_of(l->marks) + payload_columns(l->payload, c) +
           ARROW + (size_t)snprintf(NULL, 0, DURATION, milliseconds_of(l)) +
           least(columns_of(l->outcome), c->outcome);
}

static size_t output_columns(const struct dev_output *o, const struct cut *c)
{
    return ARROW + least(columns_of(o->topic), c->topic) + (o->retain ? RETAIN : 0) +
           payload_columns(o->payload, c);
}

static size_t line_columns(const struct dev_line *l, const struct cut *c)
{
    size_t sum = CLOCK + GAP + columns_of(l->function) + (l->topic ? message_columns(l, c) : 0);
    for (size_t i = 0; i < c->outputs; i++)
        sum += output_columns(&l->outputs[i], c);
    if (c->outputs < l->output_count)
        sum += ARROW + (size_t)snprintf(NULL, 0, MORE, l->output_count - c->outputs);
    return sum;
}

/* Makes *what smaller until the line fits, or it is as small as it may get. */
static void shrink(const struct dev_line *l, const struct cut *c, size_t width, size_t *what,
                   size_t least_of_it)
{
    while (*what > least_of_it && line_columns(l, c) > width)
        --*what;
}

/* What the topics left over is for payloads. */
static void widen_payloads(const struct dev_line *l, struct cut *c, size_t width)
{
    while (c->payload < width && line_columns(l, c) <= width)
        c->payload++;
    shrink(l, c, width, &c->payload, DEV_PAYLOAD_MIN);
}

static struct cut cut_to(const struct dev_line *l, size_t width)
{
    struct cut c = {UNBOUND, UNBOUND, UNBOUND, l->output_count};
    if (width == 0)
        return c;
    c = (struct cut){width / 3, width, width / 3, least(l->output_count, width / DEV_PAYLOAD_MIN)};
    shrink(l, &c, width, &c.payload, DEV_PAYLOAD_MIN);
    shrink(l, &c, width, &c.outputs, 1);
    shrink(l, &c, width, &c.topic, DEV_TOPIC_MIN);
    if (line_columns(l, &c) > width) {
        c.outputs = 0;
        c.topic = width / 3;
        shrink(l, &c, width, &c.topic, DEV_TOPIC_MIN);
    }
    widen_payloads(l, &c, width);
    return c;
}

/* ---- printing ---- */

static void put(FILE *to, const char *text, size_t columns)
{
    size_t all = columns_of(text), shown = 0;
    size_t kept = all > columns ? columns - 1 : all;
    const char *end = text, *next = text;
    while (next && *next && (shown += columns_take(&next)) <= kept)
        end = next;
    if (text)
        fwrite(text, 1, (size_t)(end - text), to);
    if (all > columns)
        fputs("…", to);
}

static void put_coloured(FILE *to, const struct dev_style *s, const char *colour, const char *text,
                         size_t columns)
{
    fputs(s->colours ? colour : "", to);
    put(to, text, columns);
    fputs(s->colours ? NORMAL : "", to);
}

static void put_payload(FILE *to, const char *payload, size_t columns)
{
    if (!payload || !payload[0])
        return;
    fputs("  ", to);
    put(to, payload, columns);
}

static void put_outputs(FILE *to, const struct dev_line *l, const struct dev_style *s, const struct cut *c)
{
    for (size_t i = 0; i < c->outputs; i++) {
        const struct dev_output *o = &l->outputs[i];
        fputs("  → ", to);
        put_coloured(to, s, GREEN, o->topic, c->topic);
        fputs(o->retain ? " (retain)" : "", to);
        put_payload(to, o->payload, c->payload);
    }
    if (c->outputs < l->output_count)
        fprintf(to, "  → " MORE, l->output_count - c->outputs);
}

static void put_message(FILE *to, const struct dev_line *l, const struct dev_style *s, const struct cut *c)
{
    put_coloured(to, s, CYAN, l->topic, c->topic);
    fputs(l->marks ? l->marks : "", to);
    put_payload(to, l->payload, c->payload);
    fputs("  → ", to);
}

void dev_line_print(const struct dev_line *l, const struct dev_style *style, FILE *to)
{
    char text[32];
    struct cut c = cut_to(l, style->width);
    size_t used = strftime(text, sizeof text, "%H:%M:%S", &l->clock);
    snprintf(text + used, sizeof text - used, ".%03d", l->milliseconds);
    put_coloured(to, style, GREY, text, UNBOUND);
    fputs("  ", to);
    if (l->topic)
        put_message(to, l, style, &c);
    put_coloured(to, style, BOLD, l->function, UNBOUND);
    if (l->topic) {
        fprintf(to, DURATION, milliseconds_of(l));
        put_coloured(to, style, l->good ? GREY : RED, l->outcome, c.outcome);
    }
    put_outputs(to, l, style, &c);
    fputc('\n', to);
}

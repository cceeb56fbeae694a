#include "cli/yaml_edit.h"

#include "shared/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_WIDTH = 110, LIST_INDENT = 2 };

/* ---- places ---- */

static size_t line_start(const struct yaml_edit *e, size_t at)
{
    while (at > 0 && !strchr("\r\n", e->tree->text.data[at - 1]))
        at--;
    return at;
}

static size_t line_end(const struct yaml_edit *e, size_t at)
{
    while (at < e->tree->text.len && !strchr("\r\n", e->tree->text.data[at]))
        at++;
    return at;
}

static size_t next_line(const struct yaml_edit *e, size_t at)
{
    struct slice text = e->tree->text;
    at = line_end(e, at);
    if (at + 1 < text.len && text.data[at] == '\r' && text.data[at + 1] == '\n')
        return at + 2;
    return at < text.len ? at + 1 : at;
}

static size_t after_colon(const struct yaml_edit *e, const struct yaml_node *value)
{
    const char *from = e->tree->text.data + value->key->end;
    const char *colon = memchr(from, ':', e->tree->text.len - value->key->end);
    CHECK(colon); /* libyaml saw it */
    return (size_t)(colon - e->tree->text.data) + 1;
}

static bool is_blank(const struct yaml_edit *e, size_t start, size_t end)
{
    while (start < end && strchr(" \t\r\n", e->tree->text.data[start]))
        start++;
    return start == end;
}

/* The dash of an item: between it and the end of the item before are blanks and comments. */
static size_t dash_of(const struct yaml_edit *e, const struct yaml_node *list, const struct yaml_items *items,
                      size_t i)
{
    size_t at = i == 0 ? list->start : items->old[i - 1]->end;
    while (at < e->tree->text.len && e->tree->text.data[at] != '-')
        at = e->tree->text.data[at] == '#' ? line_end(e, at) : at + 1;
    return at;
}

/* ---- changes ---- */

struct yaml_edit yaml_edit_start(const struct yaml_tree *tree)
{
    struct yaml_edit e = {.tree = tree, .line_end = "\n"};
    size_t first = line_end(&e, 0);
    if (first < tree->text.len && tree->text.data[first] == '\r')
        e.line_end = next_line(&e, first) == first + 2 ? "\r\n" : "\r";
    return e;
}

void yaml_edit_finish(struct yaml_edit *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->changes[i].text);
    free(e->changes);
}

__attribute__((format(printf, 4, 5))) static void change(struct yaml_edit *e, size_t start, size_t end,
                                                         const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    CHECK(vasprintf(&text, format, args) >= 0);
    va_end(args);
    e->changes = realloc(e->changes, (e->count + 1) * sizeof *e->changes);
    CHECK(e->changes);
    e->changes[e->count++] = (struct yaml_change){start, end, text};
}

bool yaml_is_bracketed(const struct yaml_edit *e, const struct yaml_node *node)
{
    return node->kind != YAML_TEXT && strchr("{[", e->tree->text.data[node->start]);
}

void yaml_edit_value(struct yaml_edit *e, const struct yaml_node *value, const char *text)
{
    bool is_block = value->kind != YAML_TEXT && !yaml_is_bracketed(e, value);
    if (is_block && value->key && is_blank(e, after_colon(e, value), value->start))
        change(e, after_colon(e, value), value->end, " %s", text);
    else
        change(e, value->start, value->end, "%s", text);
}

void yaml_edit_pair(struct yaml_edit *e, const struct yaml_node *value, const char *text)
{
    change(e, value->key->start, value->end, "%s", text);
}

void yaml_edit_first_pair(struct yaml_edit *e, const struct yaml_node *map, const char *text)
{
    const struct yaml_node *first = STAILQ_FIRST(&map->children);
    if (!first)
        change(e, map->start, map->end, "{ %s }", text);
    else if (yaml_is_bracketed(e, map))
        change(e, first->key->start, first->key->start, "%s, ", text);
    else
        change(e, first->key->start, first->key->start, "%s%s%*s", text, e->line_end,
               (int)first->key->column - 1, "");
}

void yaml_edit_last_pair(struct yaml_edit *e, const struct yaml_node *map, const char *lines,
                         const char *in_line)
{
    const struct yaml_node *last = yaml_last(map);
    if (yaml_is_bracketed(e, map)) {
        change(e, last->end, last->end, ", %s", in_line);
        return;
    }
    int indent = (int)STAILQ_FIRST(&map->children)->key->column - 1;
    size_t at = line_end(e, map->end);
    while (*lines == '\n') {
        size_t len = strcspn(++lines, "\n");
        change(e, at, at, "%s%*s%.*s", e->line_end, indent, "", (int)len, lines);
        lines += len;
    }
}

/* ---- lists ---- */

struct yaml_items yaml_items_of(const struct yaml_node *list)
{
    struct yaml_items items = {.count = list->child_count};
    size_t room = items.count + 1, i = 0;
    const struct yaml_node *item;
    items.old = calloc(room, sizeof(void *));
    items.now = calloc(room, sizeof(char *));
    items.removed = calloc(room, sizeof *items.removed);
    CHECK(items.old && items.now && items.removed);
    STAILQ_FOREACH (item, &list->children, next)
        items.old[i++] = item;
    return items;
}

void yaml_items_add(struct yaml_items *items, size_t before, char *text)
{
    items->added = realloc(items->added, (items->added_count + 1) * sizeof *items->added);
    CHECK(items->added);
    items->added[items->added_count++] = (struct yaml_new_item){before, text};
}

static void items_finish(struct yaml_items *items)
{
    for (size_t i = 0; i < items->count; i++)
        free(items->now[i]);
    for (size_t i = 0; i < items->added_count; i++)
        free(items->added[i].text);
    free(items->old);
    free(items->now);
    free(items->removed);
    free(items->added);
}

/* Items first..last go; those beside them stay. */
static void remove_run(struct yaml_edit *e, const struct yaml_node *list, const struct yaml_items *items,
                       size_t first, size_t last)
{
    if (!yaml_is_bracketed(e, list)) {
        size_t from = line_start(e, dash_of(e, list, items, first));
        change(e, from, next_line(e, items->old[last]->end), "%s", "");
    } else if (last + 1 < items->count) {
        change(e, items->old[first]->start, items->old[last + 1]->start, "%s", "");
    } else {
        change(e, items->old[first - 1]->end, items->old[last]->end, "%s", "");
    }
}

static void remove_all(struct yaml_edit *e, const struct yaml_node *list, const struct yaml_items *items)
{
    if (yaml_is_bracketed(e, list)) {
        change(e, list->start, list->end, "[]");
        return;
    }
    change(e, after_colon(e, list), after_colon(e, list), " []");
    remove_run(e, list, items, 0, items->count - 1);
}

static void remove_items(struct yaml_edit *e, const struct yaml_node *list, const struct yaml_items *items)
{
    for (size_t i = 0, last; i < items->count; i = last + 1) {
        last = i;
        if (!items->removed[i])
            continue;
        while (last + 1 < items->count && items->removed[last + 1])
            last++;
        if (i == 0 && last + 1 == items->count)
            remove_all(e, list, items);
        else
            remove_run(e, list, items, i, last);
    }
}

static void add_item(struct yaml_edit *e, const struct yaml_node *list, const struct yaml_items *items,
                     const struct yaml_new_item *item)
{
    bool is_bracketed = yaml_is_bracketed(e, list);
    int indent = (int)list->column - 1;
    size_t first = is_bracketed ? items->old[0]->start : list->start;
    size_t end = item->before > 0 ? items->old[item->before - 1]->end : 0;
    if (is_bracketed && item->before > 0)
        change(e, end, end, ", %s", item->text);
    else if (is_bracketed)
        change(e, first, first, "%s, ", item->text);
    else if (item->before > 0)
        change(e, line_end(e, end), line_end(e, end), "%s%*s- %s", e->line_end, indent, "", item->text);
    else
        change(e, first, first, "- %s%s%*s", item->text, e->line_end, indent, "");
}

/* Into `[]`: on its line if there is room, else a line for each. */
static void fill_empty(struct yaml_edit *e, const struct yaml_node *map, const struct yaml_node *list,
                       const struct yaml_items *items)
{
    size_t width = list->column;
    for (size_t i = 0; i < items->added_count; i++)
        width += strlen(items->added[i].text) + 4;
    bool in_line = yaml_is_bracketed(e, map) || width < LINE_WIDTH;
    if (in_line)
        change(e, list->start, list->end, "[ %s", items->added[0].text);
    else
        change(e, after_colon(e, list), list->end, "%s", "");
    for (size_t i = in_line; i < items->added_count; i++) {
        if (in_line)
            change(e, list->end, list->end, ", %s", items->added[i].text);
        else
            change(e, list->end, list->end, "%s%*s- %s", e->line_end,
                   (int)list->key->column - 1 + LIST_INDENT, "", items->added[i].text);
    }
    if (in_line)
        change(e, list->end, list->end, " ]");
}

void yaml_edit_list(struct yaml_edit *e, const struct yaml_node *map, const struct yaml_node *list,
                    struct yaml_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        if (items->now[i])
            yaml_edit_value(e, items->old[i], items->now[i]);
    }
    remove_items(e, list, items);
    if (items->count == 0 && items->added_count > 0)
        fill_empty(e, map, list, items);
    for (size_t i = 0; i < items->added_count && items->count > 0; i++)
        add_item(e, list, items, &items->added[i]);
    items_finish(items);
}

/* ---- the new text ---- */

static int compare(const void *a, const void *b)
{
    const struct yaml_change *const *x = a, *const *y = b;
    if ((*x)->start != (*y)->start)
        return (*x)->start < (*y)->start ? -1 : 1;
    return *x < *y ? -1 : 1; /* in the order in which they came */
}

static const struct yaml_change **sorted(const struct yaml_edit *e)
{
    const struct yaml_change **list = calloc(e->count + 1, sizeof(void *));
    CHECK(list);
    for (size_t i = 0; i < e->count; i++)
        list[i] = &e->changes[i];
    qsort(list, e->count, sizeof(void *), compare);
    return list;
}

char *yaml_edit_apply(const struct yaml_edit *e, size_t *ret_len)
{
    char *text = NULL;
    size_t at = 0;
    bool apart = true;
    FILE *f = open_memstream(&text, ret_len);
    CHECK(f);
    const struct yaml_change **list = sorted(e);
    for (size_t i = 0; i < e->count && apart; i++) {
        apart = list[i]->start >= at;
        if (apart) {
            fwrite(e->tree->text.data + at, 1, list[i]->start - at, f);
            fputs(list[i]->text, f);
            at = list[i]->end;
        }
    }
    fwrite(e->tree->text.data + at, 1, e->tree->text.len - at, f);
    free(list);
    CHECK(fclose(f) == 0);
    if (apart)
        return text;
    free(text);
    return NULL;
}

/* yaml_edit.h: changes to a YAML text that a person keeps: what is not changed stays byte by byte, comments,
 * order and quotes. Pure.
 *
 * Changes are collected against the tree of the old text, then applied together. */
#ifndef HARK_CLI_YAML_EDIT_H
#define HARK_CLI_YAML_EDIT_H

#include "manifest/yaml.h"

struct yaml_edit {
    const struct yaml_tree *tree; /* borrowed */
    const char *line_end;         /* as the file's first line has it */
    struct yaml_change {
        size_t start, end; /* bytes of the old text */
        char *text;        /* owned */
    } * changes;           /* owned */
    size_t count;
};

struct yaml_edit yaml_edit_start(const struct yaml_tree *tree);
void yaml_edit_finish(struct yaml_edit *e);

bool yaml_is_bracketed(const struct yaml_edit *e, const struct yaml_node *node); /* { } or [ ] */

/* The text that stands for the value from now on, on one line. */
void yaml_edit_value(struct yaml_edit *e, const struct yaml_node *value, const char *text);
/* The same with its key: `payload: "on"`. */
void yaml_edit_pair(struct yaml_edit *e, const struct yaml_node *value, const char *text);

/* A pair before the first of a map. */
void yaml_edit_first_pair(struct yaml_edit *e, const struct yaml_node *map, const char *text);
/* Lines after the last pair of a map without brackets, each of which begins with '\n'; with brackets, in_line
 * stands behind it. */
void yaml_edit_last_pair(struct yaml_edit *e, const struct yaml_node *map, const char *lines,
                         const char *in_line);

/* What becomes of a list. */
struct yaml_items {
    const struct yaml_node **old; /* owned */
    char **now;                   /* owned, with the texts: stands for the old item; NULL: it stays */
    bool *removed;                /* owned */
    size_t count;
    struct yaml_new_item {
        size_t before; /* the old item before which it stands; count: at the end */
        char *text;    /* owned */
    } * added;         /* owned; in order */
    size_t added_count;
};

struct yaml_items yaml_items_of(const struct yaml_node *list);
void yaml_items_add(struct yaml_items *items, size_t before, char *text); /* takes text over */
/* Puts down the changes of a list that is a value of map; frees items. */
void yaml_edit_list(struct yaml_edit *e, const struct yaml_node *map, const struct yaml_node *list,
                    struct yaml_items *items);

/* The new text, which the caller frees; NULL: two changes are in each other's way. */
char *yaml_edit_apply(const struct yaml_edit *e, size_t *ret_len);

#endif

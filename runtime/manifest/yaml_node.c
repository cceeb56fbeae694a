#include "manifest/yaml.h"

#include <stdio.h>

enum { TEXT_SHOWN_MAX = 40 }; /* bytes of a text, of YAML_SHOWN_MAX */

struct yaml_node *yaml_find(const struct yaml_node *map, const char *name)
{
    struct yaml_node *n;

    if (!map || map->kind != YAML_MAP)
        return NULL;
    STAILQ_FOREACH (n, &map->children, next) {
        if (slice_equal(n->key->text, slice_of(name)))
            return n;
    }
    return NULL;
}

struct yaml_node *yaml_last(const struct yaml_node *parent)
{
    struct yaml_node *n, *last = NULL;

    STAILQ_FOREACH (n, &parent->children, next)
        last = n;
    return last;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (node->kind != YAML_TEXT || !node->plain)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (slice_equal(node->text, slice_of(words[i])))
            return true;
    }
    return false;
}

unsigned yaml_column_in(const struct yaml_tree *tree, const struct yaml_node *node, size_t n)
{
    size_t quote = node->plain ? 0 : 1;
    size_t left = tree->text.len - node->start;

    if (node->kind != YAML_TEXT || quote + node->text.len > left ||
        memchr(node->text.data, '\n', node->text.len))
        return node->column;
    if (memcmp(tree->text.data + node->start + quote, node->text.data, node->text.len) != 0)
        return node->column;
    return node->column + (unsigned)(quote + n);
}

static bool may_hold_a_password(struct slice text)
{
    return memmem(text.data, text.len, "://", 3) || memchr(text.data, '@', text.len);
}

static const char *show_text(struct slice text, char *buffer)
{
    size_t len = text.len;

    if (may_hold_a_password(text)) {
        snprintf(buffer, YAML_SHOWN_MAX, "a text");
        return buffer;
    }
    if (len > TEXT_SHOWN_MAX) { /* cut between characters */
        len = TEXT_SHOWN_MAX;
        while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
            len--;
    }
    snprintf(buffer, YAML_SHOWN_MAX, "'%.*s%s'", (int)len, text.data, len < text.len ? "…" : "");
    return buffer;
}

const char *yaml_show(const struct yaml_node *node, char buffer[YAML_SHOWN_MAX])
{
    if (node->kind == YAML_TEXT && !yaml_is_null(node))
        return show_text(node->text, buffer);
    snprintf(buffer, YAML_SHOWN_MAX, "%s",
             node->kind == YAML_LIST  ? "a list"
             : node->kind == YAML_MAP ? "keys"
                                      : "nothing");
    return buffer;
}

#include "manifest/keys.h"

#include "manifest/suggest.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/topic.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 320 }; /* bytes of the names of a table, or the words of a choice, in a complaint */

void keys_complain(struct key_loader *loader, struct yaml_node *node, const char *format, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    node->refused = true;
    diags_add(loader->diags, loader->tree->file, node->line, node->column, "%s", text);
}

size_t keys_complaints(const struct diags *diags)
{
    return diags->count + diags->dropped;
}

static int by_place(const void *a, const void *b)
{
    const struct diag *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

void keys_sort_complaints(struct diags *diags, size_t first)
{
    if (first < diags->count)
        qsort(diags->items + first, diags->count - first, sizeof *diags->items, by_place);
}

static void complain_type(struct key_loader *loader, const struct keys *keys, const struct key *key,
                          struct yaml_node *node)
{
    bool countable = strncmp(key_type_name(key->type), "keys", 4) != 0;
    char shown[YAML_SHOWN_MAX];
    keys_complain(loader, node, "%s%s: expected %s%s, found %s: write for instance %s: %s", keys->prefix,
                  key->name, countable ? "a " : "", key_type_name(key->type), yaml_show(node, shown),
                  key->name, key->example);
}

static bool within(const struct key *key, uint64_t number)
{
    return number >= key->min && number <= key->max;
}

bool keys_expect(struct key_loader *loader, const struct keys *keys, const struct key *key,
                 struct yaml_node *node, enum yaml_kind kind)
{
    if (node->kind != kind) {
        complain_type(loader, keys, key, node);
        return false;
    }
    if (within(key, node->child_count))
        return true;
    if (node->child_count == 0)
        keys_complain(loader, node, "%s%s is empty: write at least %llu, for instance %s: %s", keys->prefix,
                      key->name, (unsigned long long)key->min, key->name, key->example);
    else
        keys_complain(loader, node, "%s%s has %zu entries: at most %llu are allowed", keys->prefix, key->name,
                      node->child_count, (unsigned long long)key->max);
    return false;
}

/* The words of a choice as `deliver or skip`. */
static const char *list_words(const struct key *key, char *buffer)
{
    size_t used = 0;

    buffer[0] = '\0';
    for (const struct key_word *w = key->words; w->word && used < LIST_MAX; w++) {
        const char *between = w == key->words ? "" : w[1].word ? ", " : " or ";
        used += (size_t)snprintf(buffer + used, LIST_MAX - used, "%s%s", between, w->word);
    }
    return buffer;
}

static void complain_word(struct key_loader *loader, const struct keys *keys, const struct key *key,
                          struct yaml_node *node)
{
    char shown[YAML_SHOWN_MAX], words[LIST_MAX];
    struct suggest s = suggest_start(node->text);

    for (const struct key_word *w = key->words; w->word; w++)
        suggest_consider(&s, w->word);
    if (s.best)
        keys_complain(loader, node, "%s%s: unknown word %s: did you mean '%s'?", keys->prefix, key->name,
                      yaml_show(node, shown), s.best);
    else
        keys_complain(loader, node, "%s%s: unknown word %s: write %s", keys->prefix, key->name,
                      yaml_show(node, shown), list_words(key, words));
}

static void complain_number(struct key_loader *loader, const struct keys *keys, const struct key *key,
                            struct yaml_node *node, const char *why)
{
    const char *unit = key_unit(key->type);
    char shown[YAML_SHOWN_MAX];

    if (key->type == KEY_CHOICE)
        complain_word(loader, keys, key, node);
    else
        keys_complain(loader, node, "%s%s: %s %s: write a whole number%s%s, for instance %s", keys->prefix,
                      key->name, yaml_show(node, shown), why, *unit ? " and a unit of " : "", unit,
                      key->example);
}

static void complain_bounds(struct key_loader *loader, const struct keys *keys, const struct key *key,
                            struct yaml_node *node)
{
    char shown[YAML_SHOWN_MAX], min[KEY_FORMATTED_MAX], max[KEY_FORMATTED_MAX];
    keys_complain(loader, node, "%s%s: %s is out of bounds: write %s to %s", keys->prefix, key->name,
                  yaml_show(node, shown), key_format(key, key->min, min), key_format(key, key->max, max));
}

static void store_number(const struct key *key, uint64_t number, void *target)
{
    uint8_t small = (uint8_t)number;
    uint32_t medium = (uint32_t)number;
    const void *from = key->size == sizeof small    ? (const void *)&small
                       : key->size == sizeof medium ? (const void *)&medium
                                                    : (const void *)&number;
    memcpy((char *)target + key->offset, from, key->size);
}

static void store(const struct key *key, uint64_t number, void *target)
{
    store_number(key, key->type == KEY_SECONDS ? number / NS_PER_S : number, target);
}

static bool is_number(const struct key *key)
{
    return key->type == KEY_DURATION || key->type == KEY_SECONDS || key->type == KEY_SIZE ||
           key->type == KEY_RATE || key->type == KEY_COUNT || key->type == KEY_PERCENT;
}

static int load_number(struct key_loader *loader, const struct keys *keys, const struct key *key,
                       struct yaml_node *node, void *target)
{
    uint64_t number;
    const char *why;

    if (node->kind != YAML_TEXT || yaml_is_null(node))
        complain_type(loader, keys, key, node);
    else if (key->type == KEY_COUNT && !node->plain)
        keys_complain(loader, node, "%s%s: expected a whole number, found a text: write it without quotes",
                      keys->prefix, key->name);
    else if (key_number(key, node->text, &number, &why) < 0)
        complain_number(loader, keys, key, node, why);
    else if (is_number(key) && !within(key, number))
        complain_bounds(loader, keys, key, node);
    else
        store(key, number, target);
    return 0;
}

bool keys_expect_text(struct key_loader *loader, const struct keys *keys, const struct key *key,
                      struct yaml_node *node)
{
    if (node->kind != YAML_TEXT || yaml_is_null(node)) {
        complain_type(loader, keys, key, node);
        return false;
    }
    const char *why = key->check ? key->check(node->text) : NULL;
    if (why)
        keys_complain(loader, node, "%s%s: %s", keys->prefix, key->name, why);
    else if (node->text.len < key->min)
        keys_complain(loader, node, "%s%s is empty: write for instance %s: %s", keys->prefix, key->name,
                      key->name, key->example);
    else if (node->text.len > key->max)
        keys_complain(loader, node, "%s%s: %zu bytes are too long: write at most %llu", keys->prefix,
                      key->name, node->text.len, (unsigned long long)key->max);
    return !node->refused;
}

bool keys_expect_pattern(struct key_loader *loader, const struct keys *keys, const struct key *key,
                         struct yaml_node *node)
{
    struct diag d;

    if (node->kind == YAML_TEXT && yaml_is_null(node)) {
        keys_complain(
            loader, node,
            "%s%s: expected a topic filter, found nothing: write for instance %s; a filter that begins "
            "with # needs quotes, else it is a comment",
            keys->prefix, key->name, key->example);
        return false;
    }
    if (!keys_expect_text(loader, keys, key, node))
        return false;
    if (topic_pattern_check(node->text, &d) == 0)
        return true;
    node->refused = true;
    diags_add(loader->diags, loader->tree->file, node->line,
              yaml_column_in(loader->tree, node, d.column ? d.column - 1 : 0), "%s%s: %s", keys->prefix,
              key->name, d.text);
    return false;
}

int keys_copy(struct slice text, char **ret_copy)
{
    char *copy = malloc(text.len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret_copy = copy;
    return 0;
}

static int load_text(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *node, void *target)
{
    bool good = key->type == KEY_PATTERN ? keys_expect_pattern(loader, keys, key, node)
                                         : keys_expect_text(loader, keys, key, node);
    return good ? keys_copy(node->text, (char **)(void *)((char *)target + key->offset)) : 0;
}

static int load_map(struct key_loader *loader, const struct keys *keys, const struct key *key,
                    struct yaml_node *node, void *target)
{
    if (node->kind == YAML_MAP)
        return keys_load(loader, key->inside, node, target);
    complain_type(loader, keys, key, node);
    return 0;
}

static int load_value(struct key_loader *loader, const struct keys *keys, const struct key *key,
                      struct yaml_node *node, void *target)
{
    if (key->load)
        return key->load(loader, keys, key, node, target);
    if (key->type == KEY_MAP)
        return load_map(loader, keys, key, node, target);
    if (is_number(key) || key->type == KEY_CHOICE)
        return load_number(loader, keys, key, node, target);
    return load_text(loader, keys, key, node, target);
}

/* ---- unknown and missing keys ---- */

static const char *list_names(const struct keys *keys, char *buffer)
{
    size_t used = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < keys->count && used < LIST_MAX; i++)
        used += (size_t)snprintf(buffer + used, LIST_MAX - used, "%s%s", i ? " " : "", keys->list[i].name);
    return buffer;
}

/* The key above a table in which the name is known: somebody forgot to indent. */
static const struct key *find_home(const struct keys *keys, struct slice name)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->list[i].inside && keys_find(keys->list[i].inside, name))
            return &keys->list[i];
    }
    return NULL;
}

static const char *nearest_name(const struct keys *keys, struct slice name)
{
    struct suggest s = suggest_start(name);
    for (size_t i = 0; i < keys->count; i++)
        suggest_consider(&s, keys->list[i].name);
    return s.best;
}

static void complain_unknown(struct key_loader *loader, const struct keys *keys, struct yaml_node *value)
{
    struct yaml_node *key = value->key;
    char shown[YAML_SHOWN_MAX], names[LIST_MAX];
    const struct key *home = find_home(keys, key->text);
    const char *nearest = nearest_name(keys, key->text);

    yaml_show(key, shown);
    value->refused = true;
    if (home)
        keys_complain(loader, key, "unknown key %s: it belongs in %s, write it indented below that", shown,
                      home->name);
    else if (nearest)
        keys_complain(loader, key, "unknown key %s: did you mean '%s'?", shown, nearest);
    else
        keys_complain(loader, key, "unknown key %s: allowed are %s", shown, list_names(keys, names));
}

/* Is the key there under a name that it will be suggested for? */
static bool misspelt(const struct keys *keys, const struct yaml_node *map, const struct key *key)
{
    const struct yaml_node *value;

    STAILQ_FOREACH (value, &map->children, next) {
        if (!keys_find(keys, value->key->text) && nearest_name(keys, value->key->text) == key->name)
            return true;
    }
    return false;
}

static void complain_missing(struct key_loader *loader, const struct keys *keys, struct yaml_node *map)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->list[i];
        if (key->required && !yaml_find(map, key->name) && !misspelt(keys, map, key))
            keys_complain(loader, map, "%s%s is missing: write for instance %s: %s", keys->prefix, key->name,
                          key->name, key->example);
    }
}

static const char *list_one_of(const struct keys *keys, char *buffer)
{
    size_t used = 0;

    buffer[0] = '\0';
    for (const char *const *name = keys->one_of; *name && used < LIST_MAX; name++) {
        const char *between = name == keys->one_of ? "" : name[1] ? ", " : " and ";
        used += (size_t)snprintf(buffer + used, LIST_MAX - used, "%s%s", between, *name);
    }
    return buffer;
}

/* Of the names in keys->one_of, one and no other. */
static void complain_choice(struct key_loader *loader, const struct keys *keys, struct yaml_node *map)
{
    const struct yaml_node *first = NULL;
    bool near_miss = false;
    char names[LIST_MAX];

    for (const char *const *name = keys->one_of; *name; name++) {
        struct yaml_node *value = yaml_find(map, *name);
        const struct key *key = keys_find(keys, slice_of(*name));
        near_miss |= misspelt(keys, map, key);
        if (value && first)
            keys_complain(loader, value->key, "%s%s: there is %s already: write one of %s", keys->prefix,
                          *name, first->key->text.data, list_one_of(keys, names));
        first = first ? first : value;
    }
    if (!first && !near_miss) {
        const struct key *key = keys_find(keys, slice_of(keys->one_of[0]));
        keys_complain(loader, map, "one of %s is missing: write for instance %s: %s",
                      list_one_of(keys, names), key->name, key->example);
    }
}

int keys_load(struct key_loader *loader, const struct keys *keys, struct yaml_node *node, void *target)
{
    struct yaml_node *value;

    complain_missing(loader, keys, node);
    if (keys->one_of)
        complain_choice(loader, keys, node);
    STAILQ_FOREACH (value, &node->children, next) {
        const struct key *key = keys_find(keys, value->key->text);
        if (value->refused) /* a duplicate */
            continue;
        if (!key) {
            complain_unknown(loader, keys, value);
            continue;
        }
        int r = load_value(loader, keys, key, value, target);
        if (r < 0)
            return r;
    }
    return 0;
}

void keys_defaults(const struct keys *keys, void *target)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->list[i];
        uint64_t number;
        const char *why;
        if (key->type == KEY_MAP)
            keys_defaults(key->inside, target);
        else if (key->initial && (is_number(key) || key->words)) {
            int r = key_number(key, slice_of(key->initial), &number, &why);
            CHECK(r == 0);
            store(key, number, target);
        }
    }
}

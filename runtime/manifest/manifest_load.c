/* The keys of a manifest that hold lists or free names. */
#include "manifest/manifest_keys.h"

#include "shared/topic.h"

#include <errno.h>
#include <stdlib.h>

enum { TEXTS_BYTES_MAX = MANIFEST_CONFIG_BYTES_MAX, CONFIG_NAME_MAX = 255 };

int manifest_load_triggers(struct key_loader *loader, const struct keys *keys, const struct key *key,
                           struct yaml_node *node, void *target)
{
    struct manifest *m = target;
    struct yaml_node *item;

    if (!keys_expect(loader, keys, key, node, YAML_LIST))
        return 0;
    m->triggers = calloc(node->child_count, sizeof *m->triggers);
    if (!m->triggers)
        return -ENOMEM;
    STAILQ_FOREACH (item, &node->children, next) {
        struct manifest_trigger *trigger = &m->triggers[m->trigger_count++];
        char shown[YAML_SHOWN_MAX];
        keys_defaults(key->inside, trigger);
        if (item->kind != YAML_MAP)
            keys_complain(loader, item,
                          "triggers: expected a trigger, found %s: write - topic: home/+/temperature",
                          yaml_show(item, shown));
        else if (keys_load(loader, key->inside, item, trigger) < 0)
            return -ENOMEM;
    }
    return 0;
}

int manifest_load_cron(struct key_loader *loader, const struct keys *keys, const struct key *key,
                       struct yaml_node *node, void *target)
{
    struct manifest_trigger *t = target;
    struct diag d;

    if (!keys_expect_text(loader, keys, key, node))
        return 0;
    if (cron_parse(node->text, &t->cron, &d) == 0)
        return keys_copy(node->text, &t->cron_text);
    node->refused = true;
    diags_add(loader->diags, loader->tree->file, node->line,
              yaml_column_in(loader->tree, node, d.column ? d.column - 1 : 0), "%s%s: %s", keys->prefix,
              key->name, d.text);
    return 0;
}

int manifest_load_timezone(struct key_loader *loader, const struct keys *keys, const struct key *key,
                           struct yaml_node *node, void *target)
{
    struct manifest_trigger *t = target;

    if (!keys_expect_text(loader, keys, key, node) || slice_equal(node->text, slice_of("UTC")))
        return 0;
    t->timezone_line = node->line;
    t->timezone_column = node->column;
    return keys_copy(node->text, &t->timezone);
}

/* Counts the bytes of a list or a map of texts, to keep what a worker is told within one frame. */
static bool fits(struct key_loader *loader, const struct key *key, struct yaml_node *node)
{
    struct yaml_node *child;
    size_t bytes = 0;

    STAILQ_FOREACH (child, &node->children, next) {
        bytes += child->text.len + (child->key ? child->key->text.len : 0);
    }
    if (bytes <= TEXTS_BYTES_MAX)
        return true;
    keys_complain(loader, node, "%s: %zu bytes in all: at most 256KiB are allowed", key->name, bytes);
    return false;
}

int manifest_load_publishes(struct key_loader *loader, const struct keys *keys, const struct key *key,
                            struct yaml_node *node, void *target)
{
    static const struct key pattern = {
        .name = "publishes", .type = KEY_PATTERN, .min = 1, .max = TOPIC_MAX, .example = "[ home/+/heater ]"};
    struct manifest *m = target;
    struct yaml_node *item;

    if (!keys_expect(loader, keys, key, node, YAML_LIST) || !fits(loader, key, node))
        return 0;
    if (node->child_count == 0)
        return 0;
    m->publishes = calloc(node->child_count, sizeof *m->publishes);
    if (!m->publishes)
        return -ENOMEM;
    STAILQ_FOREACH (item, &node->children, next) {
        if (!keys_expect_pattern(loader, keys, &pattern, item))
            continue;
        if (keys_copy(item->text, &m->publishes[m->publish_count]) < 0)
            return -ENOMEM;
        m->publish_count++;
    }
    return 0;
}

/* ---- order ---- */

/* The name in `{room}`: as a text, or as YAML understands it without quotes, a map of room to nothing. */
static struct slice order_name(const struct yaml_node *node)
{
    const struct yaml_node *child = STAILQ_FIRST(&node->children);
    struct slice text = node->text;

    if (node->kind == YAML_MAP && node->child_count == 1 && yaml_is_null(child))
        return child->key->text;
    if (node->kind == YAML_TEXT && text.len > 2 && text.data[0] == '{' && text.data[text.len - 1] == '}')
        return slice_make(text.data + 1, text.len - 2);
    return slice_make(NULL, 0);
}

static bool is_capture_name(struct slice name)
{
    if (name.len < 1 || name.len > TOPIC_CAPTURE_NAME_MAX || name.data[0] < 'a' || name.data[0] > 'z')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

int manifest_load_order(struct key_loader *loader, const struct keys *keys, const struct key *key,
                        struct yaml_node *node, void *target)
{
    struct manifest *m = target;
    struct slice name = order_name(node);
    char shown[YAML_SHOWN_MAX];
    uint64_t number;
    const char *why;

    (void)keys;
    if (name.data && is_capture_name(name)) {
        m->order = ORDER_CAPTURE;
        return keys_copy(name, &m->order_capture);
    }
    if (name.data)
        keys_complain(loader, node,
                      "order: not a name that a trigger can capture: write a-z, then a-z, 0-9 and _, "
                      "at most %d, for instance {room}",
                      TOPIC_CAPTURE_NAME_MAX);
    else if (node->kind != YAML_TEXT || key_number(key, node->text, &number, &why) < 0)
        keys_complain(loader, node,
                      "order: found %s: write none, topic, all, or a name that every trigger "
                      "captures, for instance {room}",
                      yaml_show(node, shown));
    else
        m->order = (enum manifest_order)number;
    return 0;
}

/* ---- config ---- */

static bool expect_name(struct key_loader *loader, struct yaml_node *name)
{
    if (name->text.len >= 1 && name->text.len <= CONFIG_NAME_MAX)
        return !name->refused;
    keys_complain(loader, name, "config: a name of %zu bytes: write 1 to %d", name->text.len,
                  CONFIG_NAME_MAX);
    return false;
}

static bool expect_value(struct key_loader *loader, struct yaml_node *value)
{
    char shown[YAML_SHOWN_MAX], shown_key[YAML_SHOWN_MAX];

    if (value->kind == YAML_TEXT && !yaml_is_null(value))
        return !value->refused;
    keys_complain(loader, value,
                  "config: %s: expected a text, found %s: write it in quotes, for instance \"21.5\", or "
                  "{ from_file: PATH }",
                  yaml_show(value->key, shown_key), yaml_show(value, shown));
    return false;
}

static int load_pair(struct key_loader *loader, const struct key *key, struct yaml_node *value,
                     struct manifest_pair *pair)
{
    pair->line = value->line;
    pair->column = value->column;
    if (keys_copy(value->key->text, &pair->key) < 0)
        return -ENOMEM;
    if (value->kind == YAML_MAP)
        return keys_load(loader, key->inside, value, pair);
    return expect_value(loader, value) ? keys_copy(value->text, &pair->value) : 0;
}

int manifest_load_config(struct key_loader *loader, const struct keys *keys, const struct key *key,
                         struct yaml_node *node, void *target)
{
    struct manifest *m = target;
    struct yaml_node *value;

    if (!keys_expect(loader, keys, key, node, YAML_MAP) || !fits(loader, key, node))
        return 0;
    if (node->child_count == 0)
        return 0;
    m->config = calloc(node->child_count, sizeof *m->config);
    if (!m->config)
        return -ENOMEM;
    STAILQ_FOREACH (value, &node->children, next) {
        if (expect_name(loader, value->key) && !value->refused &&
            load_pair(loader, key, value, &m->config[m->config_count++]) < 0)
            return -ENOMEM;
    }
    return 0;
}

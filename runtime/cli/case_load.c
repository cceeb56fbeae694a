/* The keys of NAME.test.yaml that hold lists, free names, or texts with rules of their own. */
#include "cli/case_keys.h"

#include "cli/case_json.h"
#include "shared/base64.h"

#include <errno.h>
#include <stdlib.h>

enum { PAIR_NAME_MAX = 255 };

/* ---- pairs ---- */

static bool expect_pair(struct key_loader *loader, const struct keys *keys, const struct key *key,
                        struct yaml_node *value)
{
    char shown[YAML_SHOWN_MAX], shown_name[YAML_SHOWN_MAX];
    if (value->refused)
        return false;
    if (value->key->text.len < 1 || value->key->text.len > PAIR_NAME_MAX)
        keys_complain(loader, value->key, "%s%s: a name of %zu bytes: write 1 to %d", keys->prefix, key->name,
                      value->key->text.len, PAIR_NAME_MAX);
    else if (value->kind != YAML_TEXT || yaml_is_null(value))
        keys_complain(loader, value, "%s%s: %s: expected a text, found %s: write it in quotes", keys->prefix,
                      key->name, yaml_show(value->key, shown_name), yaml_show(value, shown));
    return !value->refused && !value->key->refused;
}

static int load_pairs(struct key_loader *loader, const struct keys *keys, const struct key *key,
                      struct yaml_node *node, struct manifest_pair **ret, size_t *ret_count)
{
    struct yaml_node *value;
    if (!keys_expect(loader, keys, key, node, YAML_MAP) || node->child_count == 0)
        return 0;
    *ret = calloc(node->child_count, sizeof **ret);
    if (!*ret)
        return -ENOMEM;
    STAILQ_FOREACH (value, &node->children, next) {
        if (!expect_pair(loader, keys, key, value))
            continue;
        struct manifest_pair *pair = &(*ret)[(*ret_count)++];
        if (keys_copy(value->key->text, &pair->key) < 0 || keys_copy(value->text, &pair->value) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Of a case or of the file: in both, the count stands behind the pairs. */
int case_load_config(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *node, void *target)
{
    struct manifest_pair **pairs = (void *)((char *)target + key->offset);
    return load_pairs(loader, keys, key, node, pairs, (size_t *)(pairs + 1));
}

int case_load_properties(struct key_loader *loader, const struct keys *keys, const struct key *key,
                         struct yaml_node *node, void *target)
{
    struct case_message *m = target;
    return load_pairs(loader, keys, key, node, &m->properties, &m->property_count);
}

/* ---- payloads ---- */

int case_load_base64(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *node, void *target)
{
    struct case_payload *p = &((struct case_message *)target)->payload;
    if (!keys_expect_text(loader, keys, key, node))
        return 0;
    p->bytes = malloc(node->text.len + 1);
    if (!p->bytes || keys_copy(node->text, &p->base64) < 0)
        return -ENOMEM;
    if (base64_decode(node->text, p->bytes, &p->byte_count) < 0)
        keys_complain(loader, node, "%s%s: no base64: write for instance %s", keys->prefix, key->name,
                      key->example);
    return 0;
}

int case_load_json(struct key_loader *loader, const struct keys *keys, const struct key *key,
                   struct yaml_node *node, void *target)
{
    struct case_payload *p = &((struct case_message *)target)->payload;
    (void)loader, (void)keys, (void)key;
    p->json = case_json(node);
    return p->json ? 0 : -ENOMEM;
}

static int load_pattern(struct key_loader *loader, const struct keys *keys, const struct key *key,
                        struct yaml_node *node, struct pattern **ret)
{
    char why[PATTERN_WHY_MAX];
    if (!keys_expect_text(loader, keys, key, node))
        return 0;
    int error = pattern_check(node->text.data, why);
    if (error == 0) {
        *ret = pattern_create(node->text, node->line, node->column);
        return *ret ? 0 : -ENOMEM;
    }
    keys_complain(loader, node, "%s%s: %s", keys->prefix, key->name,
                  error == -EINVAL ? why : "cannot be looked at: no process can be started");
    return 0;
}

int case_load_payload_regex(struct key_loader *loader, const struct keys *keys, const struct key *key,
                            struct yaml_node *node, void *target)
{
    return load_pattern(loader, keys, key, node, &((struct case_message *)target)->payload.matches);
}

int case_load_log_regex(struct key_loader *loader, const struct keys *keys, const struct key *key,
                        struct yaml_node *node, void *target)
{
    return load_pattern(loader, keys, key, node, &((struct case_log *)target)->matches);
}

/* What the tables cannot say: there is one payload at most. */
static void check_payload(struct key_loader *loader, struct yaml_node *node)
{
    static const char *const names[] = {"payload", "payload_base64", "payload_json", "payload_matches"};
    struct yaml_node *first = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct yaml_node *found = yaml_find(node, names[i]);
        if (found && first)
            keys_complain(loader, found->key, "%s: there is %s already: write one of the two", names[i],
                          first->key->text.data);
        first = first ? first : found;
    }
}

/* ---- messages ---- */

static int load_message(struct key_loader *loader, const struct keys *inside, struct yaml_node *node,
                        struct case_message *m)
{
    *m = (struct case_message){.line = node->line, .column = node->column};
    if (inside != &case_given_keys) {
        m->qos = CASE_ANY_QOS;
        m->retained = CASE_ANY_RETAINED;
        m->expiry_s = CASE_ANY_EXPIRY;
    }
    keys_defaults(inside, m);
    check_payload(loader, node);
    return keys_load(loader, inside, node, m);
}

static int load_item(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *item, struct case_messages *list)
{
    char shown[YAML_SHOWN_MAX];
    if (item->kind == YAML_MAP)
        return load_message(loader, key->inside, item, &list->items[list->count++]);
    keys_complain(loader, item, "%s%s: expected the keys of a message, found %s: write for instance %s",
                  keys->prefix, key->name, yaml_show(item, shown), key->example);
    return 0;
}

static int load_list(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *node, struct case_messages *list)
{
    struct yaml_node *item;
    bool is_one = key->type == KEY_ONE_OR_MAPS && node->kind == YAML_MAP;
    list->given = true;
    if (!is_one && !keys_expect(loader, keys, key, node, YAML_LIST))
        return 0;
    list->items = calloc(is_one ? 1 : node->child_count + 1, sizeof *list->items);
    if (!list->items)
        return -ENOMEM;
    if (is_one)
        return load_item(loader, keys, key, node, list);
    STAILQ_FOREACH (item, &node->children, next) {
        if (load_item(loader, keys, key, item, list) < 0)
            return -ENOMEM;
    }
    return 0;
}

int case_load_messages(struct key_loader *loader, const struct keys *keys, const struct key *key,
                       struct yaml_node *node, void *target)
{
    return load_list(loader, keys, key, node, (void *)((char *)target + key->offset));
}

int case_load_reply(struct key_loader *loader, const struct keys *keys, const struct key *key,
                    struct yaml_node *node, void *target)
{
    struct case_expect *expect = &((struct test_case *)target)->expect;
    char shown[YAML_SHOWN_MAX];
    if (node->kind == YAML_MAP) {
        expect->reply_kind = CASE_REPLY_LIKE;
        return load_message(loader, key->inside, node, &expect->reply);
    }
    if (node->kind == YAML_TEXT && slice_equal(node->text, slice_of(key->words[0].word)))
        expect->reply_kind = CASE_REPLY_NONE;
    else
        keys_complain(loader, node,
                      "%s%s: expected none or the keys of a reply, found %s: write for instance %s",
                      keys->prefix, key->name, yaml_show(node, shown), key->example);
    return 0;
}

/* ---- log ---- */

static int load_log(struct key_loader *loader, const struct keys *keys, const struct key *key,
                    struct yaml_node *item, struct case_log *log)
{
    char shown[YAML_SHOWN_MAX];
    log->line = item->line;
    log->column = item->column;
    if (item->kind == YAML_MAP)
        return keys_load(loader, key->inside, item, log);
    if (item->kind == YAML_TEXT && item->text.len > 0)
        return keys_copy(item->text, &log->text);
    keys_complain(loader, item, "%s%s: expected a text, or matches, found %s: write for instance %s",
                  keys->prefix, key->name, yaml_show(item, shown), key->example);
    return 0;
}

int case_load_logs(struct key_loader *loader, const struct keys *keys, const struct key *key,
                   struct yaml_node *node, void *target)
{
    struct case_expect *expect = &((struct test_case *)target)->expect;
    struct yaml_node *item;
    if (!keys_expect(loader, keys, key, node, YAML_LIST))
        return 0;
    expect->logs = calloc(node->child_count + 1, sizeof *expect->logs);
    if (!expect->logs)
        return -ENOMEM;
    STAILQ_FOREACH (item, &node->children, next) {
        if (load_log(loader, keys, key, item, &expect->logs[expect->log_count++]) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* ---- cases ---- */

static int load_case(struct key_loader *loader, const struct key *key, struct yaml_node *node,
                     struct test_case *c)
{
    char shown[YAML_SHOWN_MAX];
    c->line = node->line;
    c->column = node->column;
    c->expects = yaml_find(node, "expect") != NULL;
    keys_defaults(key->inside, c);
    if (node->kind == YAML_MAP)
        return keys_load(loader, key->inside, node, c);
    keys_complain(loader, node, "cases: expected the keys of a case, found %s: write - given: { topic: a/b }",
                  yaml_show(node, shown));
    return 0;
}

int case_load_cases(struct key_loader *loader, const struct keys *keys, const struct key *key,
                    struct yaml_node *node, void *target)
{
    struct case_file *f = target;
    struct yaml_node *item;
    if (!keys_expect(loader, keys, key, node, YAML_LIST))
        return 0;
    f->cases = calloc(node->child_count, sizeof *f->cases);
    if (!f->cases)
        return -ENOMEM;
    STAILQ_FOREACH (item, &node->children, next) {
        if (load_case(loader, key, item, &f->cases[f->count++]) < 0)
            return -ENOMEM;
    }
    return 0;
}

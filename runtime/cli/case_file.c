#include "cli/case_file.h"

#include "cli/case_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pairs_free(struct manifest_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].key);
        free(pairs[i].value);
    }
    free(pairs);
}

static void payload_finish(struct case_payload *p)
{
    free(p->text);
    free(p->base64);
    free(p->bytes);
    json_decref(p->json);
    pattern_destroy(p->matches);
}

static void message_finish(struct case_message *m)
{
    free(m->topic);
    free(m->timer);
    payload_finish(&m->payload);
    free(m->content_type);
    free(m->response_topic);
    free(m->correlation);
    pairs_free(m->properties, m->property_count);
}

static void messages_finish(struct case_messages *list)
{
    for (size_t i = 0; i < list->count; i++)
        message_finish(&list->items[i]);
    free(list->items);
}

static void logs_free(struct case_log *logs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(logs[i].text);
        pattern_destroy(logs[i].matches);
    }
    free(logs);
}

static void case_finish(struct test_case *c)
{
    free(c->name);
    pairs_free(c->config, c->config_count);
    messages_finish(&c->before);
    messages_finish(&c->given);
    messages_finish(&c->expect.publishes);
    message_finish(&c->expect.reply);
    logs_free(c->expect.logs, c->expect.log_count);
}

void case_file_free(struct case_file *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++)
        case_finish(&f->cases[i]);
    free(f->cases);
    pairs_free(f->config, f->config_count);
    free(f->function);
    free(f->text);
    free(f->path);
    free(f);
}

/* NAME.yaml of NAME.test.yaml, and so with another ending. */
static int default_function(struct case_file *f)
{
    const char *slash = strrchr(f->path, '/'), *base = slash ? slash + 1 : f->path;
    const char *test = strstr(base, ".test.");
    return asprintf(&f->function, "%.*s.yaml", test ? (int)(test - base) : (int)strlen(base), base) < 0
               ? -ENOMEM
               : 0;
}

static int name_cases(struct case_file *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct test_case *c = &f->cases[i];
        const struct case_message *first = &c->given.items[0];
        if (!c->name && keys_copy(slice_of(first->topic ? first->topic : first->timer), &c->name) < 0)
            return -ENOMEM;
    }
    return f->function ? 0 : default_function(f);
}

static int load(struct key_loader *loader, struct case_file *f)
{
    struct yaml_node *root = loader->tree->root;
    if (root && root->kind == YAML_MAP)
        return keys_load(loader, &case_file_keys, root, f);
    diags_add(loader->diags, loader->tree->file, 1, 1,
              "no test cases: write for instance cases: [ { given: { topic: a/b } } ]");
    return 0;
}

int case_file_parse(const char *path, struct slice text, struct case_file **ret, struct diags *diags)
{
    struct yaml_tree tree;
    size_t before = keys_complaints(diags), first = diags->count;
    int r = yaml_tree_parse(path, text, &tree, diags);
    if (r < 0) {
        keys_sort_complaints(diags, first);
        return r;
    }
    struct key_loader loader = {&tree, diags};
    struct case_file *f = calloc(1, sizeof *f);
    r = f ? keys_copy(slice_of(path), &f->path) : -ENOMEM;
    if (r == 0)
        r = keys_copy(text, &f->text);
    if (r == 0)
        r = load(&loader, f);
    if (r == 0 && keys_complaints(diags) > before)
        r = -EINVAL;
    if (r == 0)
        r = name_cases(f);
    yaml_tree_finish(&tree);
    keys_sort_complaints(diags, first);
    if (r < 0) {
        case_file_free(f);
        return r;
    }
    f->text_len = text.len;
    *ret = f;
    return 0;
}

#include "manifest/manifest.h"

#include "manifest/manifest_keys.h"
#include "manifest/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)MANIFEST_BYTES_MAX == (int)YAML_BYTES_MAX, "one limit for all files of settings");

static struct manifest *manifest_create(const char *file)
{
    struct manifest *m = calloc(1, sizeof *m);
    if (!m || keys_copy(slice_of(file), &m->file) < 0) {
        free(m);
        return NULL;
    }
    keys_defaults(&manifest_keys, m);
    return m;
}

/* Written out, the default names the function; `none` is no topic at all. */
static int settle_dead_letter(struct manifest *m)
{
    if (!m->dead_letter)
        return asprintf(&m->dead_letter, "hark/dead/%s", m->function) < 0 ? -ENOMEM : 0;
    if (strcmp(m->dead_letter, "none") == 0) {
        free(m->dead_letter);
        m->dead_letter = NULL;
    }
    return 0;
}

static int name_timer(struct manifest_trigger *t)
{
    char every[UNITS_TEXT_MAX];
    int length;

    if (t->every_ns)
        length = asprintf(&t->timer, "every %s", units_format_duration(t->every_ns, every));
    else
        length = asprintf(&t->timer, "cron %s%s%s", t->cron_text, t->timezone ? " " : "",
                          t->timezone ? t->timezone : "");
    if (length < 0)
        t->timer = NULL;
    return length < 0 ? -ENOMEM : 0;
}

static int name_timers(struct manifest *m)
{
    int r = 0;

    for (size_t i = 0; i < m->trigger_count && r == 0; i++) {
        if (!m->triggers[i].topic)
            r = name_timer(&m->triggers[i]);
    }
    return r;
}

static void note_place(const struct yaml_node *node, unsigned *line, unsigned *column)
{
    if (node) {
        *line = node->line;
        *column = node->column;
    }
}

static int load(struct key_loader *loader, struct manifest *m)
{
    struct yaml_node *root = loader->tree->root;
    char shown[YAML_SHOWN_MAX];

    if (!root || root->kind != YAML_MAP) {
        diags_add(loader->diags, loader->tree->file, root ? root->line : 1, root ? root->column : 1,
                  "expected keys, found %s: write at least function:, handler: and triggers:",
                  root ? yaml_show(root, shown) : "nothing");
        return 0;
    }
    int r = keys_load(loader, &manifest_keys, root, m);
    if (r < 0)
        return r;
    note_place(yaml_find(root, "function"), &m->function_line, &m->function_column);
    note_place(yaml_find(root, "handler"), &m->handler_line, &m->handler_column);
    note_place(yaml_find(root, "broker"), &m->broker_line, &m->broker_column);
    manifest_check(loader, m);
    return 0;
}

int manifest_parse(const char *file, struct slice text, struct manifest **ret_manifest, struct diags *diags)
{
    struct yaml_tree tree;
    size_t before = keys_complaints(diags), first = diags->count;
    struct manifest *m = NULL;

    int r = yaml_tree_parse(file, text, &tree, diags);
    if (r < 0) {
        keys_sort_complaints(diags, first);
        return r;
    }
    struct key_loader loader = {&tree, diags};
    m = manifest_create(file);
    r = m ? load(&loader, m) : -ENOMEM;
    if (r == 0 && keys_complaints(diags) > before)
        r = -EINVAL;
    if (r == 0)
        r = settle_dead_letter(m);
    if (r == 0)
        r = name_timers(m);
    yaml_tree_finish(&tree);
    keys_sort_complaints(diags, first);
    if (r < 0)
        manifest_free(m);
    else
        *ret_manifest = m;
    return r;
}

/* ---- a bare .so ---- */

/* What is left of a file's name by the rule of function names. */
static void name_after(const char *path, char name[MANIFEST_NAME_MAX + 1])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *end = strstr(base, ".so");
    size_t len = 0;

    for (const char *c = base; *c && c != end && len < MANIFEST_NAME_MAX; c++) {
        char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (plain || len > 0)
            name[len++] = plain ? lower : '-';
    }
    name[len] = '\0';
    if (len == 0)
        snprintf(name, MANIFEST_NAME_MAX + 1, "function");
}

static int fill_for_handler(struct manifest *m, const char *path)
{
    char name[MANIFEST_NAME_MAX + 1];

    name_after(path, name);
    m->triggers = calloc(1, sizeof *m->triggers);
    if (!m->triggers)
        return -ENOMEM;
    m->trigger_count = 1;
    keys_defaults(&manifest_trigger_keys, m->triggers);
    if (keys_copy(slice_of("#"), &m->triggers[0].topic) < 0 || keys_copy(slice_of(path), &m->handler) < 0 ||
        keys_copy(slice_of(name), &m->function) < 0)
        return -ENOMEM;
    return settle_dead_letter(m);
}

struct manifest *manifest_for_handler(const char *path)
{
    struct manifest *m = manifest_create(path);
    if (m && fill_for_handler(m, path) < 0) {
        manifest_free(m);
        return NULL;
    }
    return m;
}

static void free_trigger(struct manifest_trigger *t)
{
    free(t->topic);
    free(t->share);
    free(t->timer);
    free(t->cron_text);
    free(t->timezone);
    zone_free(t->zone);
}

void manifest_free(struct manifest *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->trigger_count; i++)
        free_trigger(&m->triggers[i]);
    for (size_t i = 0; i < m->publish_count; i++)
        free(m->publishes[i]);
    for (size_t i = 0; i < m->config_count; i++) {
        free(m->config[i].key);
        if (m->config[i].value && m->config[i].from_file)
            explicit_bzero(m->config[i].value, strlen(m->config[i].value)); /* it may be a secret */
        free(m->config[i].value);
        free(m->config[i].from_file);
    }
    for (uint32_t i = 0; i < m->grants.path_count; i++)
        free((void *)(uintptr_t)m->grants.paths[i].path.data);
    free(m->triggers);
    free(m->publishes);
    free(m->config);
    free(m->function);
    free(m->handler);
    free(m->description);
    free(m->order_capture);
    free(m->dead_letter);
    free(m->broker);
    free(m->file);
    free(m);
}

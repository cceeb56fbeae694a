#include "manifest/node_config.h"

#include "manifest/node_keys.h"
#include "manifest/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { KEEP_ALIVE_MIN_S = 5 };

/* ---- brokers ---- */

/* What the table cannot say: 0 is off, and 1 to 4 are no good. */
static void check_keep_alive(struct key_loader *loader, struct yaml_node *node,
                             const struct node_broker *broker)
{
    struct yaml_node *keep_alive = yaml_find(node, "keep_alive");
    if (keep_alive && !keep_alive->refused && broker->keep_alive_s > 0 &&
        broker->keep_alive_s < KEEP_ALIVE_MIN_S)
        keys_complain(loader, keep_alive,
                      "brokers.<name>.keep_alive: %us is out of bounds: write 5s to 65535s, or 0s for none",
                      broker->keep_alive_s);
}

/* A file that would count for nothing, and so a promise not kept, is not passed over. */
static void check_tls(struct key_loader *loader, struct yaml_node *node, const struct node_broker *broker)
{
    static const char *const keys[] = {"ca_file", "cert_file", "key_file", "server_name"};
    struct yaml_node *cert = yaml_find(node, "cert_file"), *key = yaml_find(node, "key_file");
    bool is_plain =
        broker->url && strncasecmp(broker->url, "mqtts:", 6) != 0 && strncasecmp(broker->url, "wss:", 4) != 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && is_plain; i++) {
        struct yaml_node *found = yaml_find(node, keys[i]);
        if (found)
            keys_complain(loader, found,
                          "brokers.<name>.%s: only TLS has a use for it: write a url with mqtts:// or wss://",
                          keys[i]);
    }
    if (!cert != !key)
        keys_complain(loader, cert ? cert : key, "brokers.<name>.%s needs brokers.<name>.%s beside it",
                      cert ? "cert_file" : "key_file", cert ? "key_file" : "cert_file");
}

static int load_broker(struct key_loader *loader, const struct key *key, struct yaml_node *node,
                       struct node_broker *broker)
{
    char shown[YAML_SHOWN_MAX];
    const char *why = node_check_name(node->key->text);

    if (why)
        keys_complain(loader, node->key, "brokers: %s", why);
    if (node->kind != YAML_MAP) {
        keys_complain(loader, node, "brokers: expected the keys of a broker, found %s: write for instance %s",
                      yaml_show(node, shown), "{ url: \"mqtt://10.0.0.2\" }");
        return 0;
    }
    keys_defaults(key->inside, broker);
    int r = keys_load(loader, key->inside, node, broker);
    if (r < 0)
        return r;
    check_keep_alive(loader, node, broker);
    check_tls(loader, node, broker);
    const struct yaml_node *url = yaml_find(node, "url");
    broker->line = url ? url->line : node->line;
    broker->column = url ? url->column : node->column;
    return keys_copy(node->key->text, &broker->name);
}

int node_load_brokers(struct key_loader *loader, const struct keys *keys, const struct key *key,
                      struct yaml_node *node, void *target)
{
    struct node_config *config = target;
    struct yaml_node *child;

    if (!keys_expect(loader, keys, key, node, YAML_MAP) || node->child_count == 0)
        return 0;
    config->brokers = calloc(node->child_count, sizeof *config->brokers);
    if (!config->brokers)
        return -ENOMEM;
    STAILQ_FOREACH (child, &node->children, next) {
        int r =
            child->refused ? 0 : load_broker(loader, key, child, &config->brokers[config->broker_count++]);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct node_broker *node_config_broker(const struct node_config *config, const char *name)
{
    for (size_t i = 0; i < config->broker_count; i++) {
        if (config->brokers[i].name && strcmp(config->brokers[i].name, name) == 0)
            return &config->brokers[i];
    }
    return NULL;
}

/* Else a manifest's `default` could mean either. */
static void check_default_name(struct key_loader *loader, const struct node_config *config)
{
    struct yaml_node *named = yaml_find(yaml_find(loader->tree->root, "brokers"), NODE_DEFAULT_BROKER);
    if (named && config->broker && strcmp(config->broker, NODE_DEFAULT_BROKER) != 0)
        keys_complain(
            loader, named->key,
            "brokers: '%s' is what manifests call the broker that `broker` chooses, which is another "
            "one: give this one another name",
            NODE_DEFAULT_BROKER);
}

static void check_broker_known(struct key_loader *loader, const struct node_config *config)
{
    struct yaml_node *broker = yaml_find(loader->tree->root, "broker");
    struct yaml_node *brokers = yaml_find(loader->tree->root, "brokers");

    if (!config->broker || node_is_url(slice_of(config->broker)) || yaml_find(brokers, config->broker))
        return;
    struct suggest s = suggest_start(slice_of(config->broker));
    for (size_t i = 0; i < config->broker_count; i++) {
        if (config->brokers[i].name)
            suggest_consider(&s, config->brokers[i].name);
    }
    if (s.best)
        keys_complain(loader, broker, "broker: unknown broker '%s': did you mean '%s'?", config->broker,
                      s.best);
    else
        keys_complain(
            loader, broker,
            "broker: unknown broker '%s': write a name from brokers, or a URL such as mqtt://host:port",
            config->broker);
}

/* ---- paths ---- */

/* A relative path is meant from the folder of hark.yaml. */
static int resolve(const char *file, char **path)
{
    const char *slash = strrchr(file, '/');
    char *resolved;

    if (!*path || (*path)[0] == '/' || !slash)
        return 0;
    if (asprintf(&resolved, "%.*s%s", (int)(slash - file) + 1, file, *path) < 0)
        return -ENOMEM;
    free(*path);
    *path = resolved;
    return 0;
}

static int resolve_broker(const char *file, struct node_broker *broker)
{
    char **const paths[] = {&broker->password_file, &broker->ca_file, &broker->cert_file, &broker->key_file};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof paths / sizeof *paths; i++)
        r = resolve(file, paths[i]);
    return r;
}

static int resolve_all(struct node_config *config)
{
    int r = resolve(config->file, &config->state);
    if (r == 0)
        r = resolve(config->file, &config->manifests);
    if (r == 0)
        r = resolve(config->file, &config->functions);
    for (size_t i = 0; r == 0 && i < config->broker_count; i++)
        r = resolve_broker(config->file, &config->brokers[i]);
    return r;
}

/* ---- the file ---- */

static int load(struct key_loader *loader, struct node_config *config)
{
    struct yaml_node *root = loader->tree->root;
    char shown[YAML_SHOWN_MAX];

    if (!root) /* all settings have their defaults */
        return 0;
    if (root->kind != YAML_MAP) {
        keys_complain(loader, root, "expected keys, found %s: write for instance node: gateway-7",
                      yaml_show(root, shown));
        return 0;
    }
    int r = keys_load(loader, &node_keys, root, config);
    if (r < 0)
        return r;
    check_broker_known(loader, config);
    check_default_name(loader, config);
    return resolve_all(config);
}

int node_config_parse(const char *file, struct slice text, struct node_config **ret_config,
                      struct diags *diags)
{
    struct yaml_tree tree;
    size_t before = keys_complaints(diags), first = diags->count;

    int r = yaml_tree_parse(file, text, &tree, diags);
    if (r < 0) {
        keys_sort_complaints(diags, first);
        return r;
    }
    struct key_loader loader = {&tree, diags};
    struct node_config *config = calloc(1, sizeof *config);
    r = config ? keys_copy(slice_of(file), &config->file) : -ENOMEM;
    if (r == 0)
        keys_defaults(&node_keys, config);
    if (r == 0)
        r = load(&loader, config);
    if (r == 0 && keys_complaints(diags) > before)
        r = -EINVAL;
    yaml_tree_finish(&tree);
    keys_sort_complaints(diags, first);
    if (r < 0)
        node_config_free(config);
    else
        *ret_config = config;
    return r;
}

void node_config_free(struct node_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->broker_count; i++) {
        free(config->brokers[i].name);
        free(config->brokers[i].url);
        free(config->brokers[i].username);
        free(config->brokers[i].password_file);
        free(config->brokers[i].ca_file);
        free(config->brokers[i].cert_file);
        free(config->brokers[i].key_file);
        free(config->brokers[i].server_name);
    }
    free(config->brokers);
    free(config->node);
    free(config->state);
    free(config->manifests);
    free(config->functions);
    free(config->broker);
    free(config->file);
    free(config);
}

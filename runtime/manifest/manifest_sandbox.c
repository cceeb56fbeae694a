/* The manifest's `sandbox`: what a function may reach of the machine. */
#include "manifest/manifest_keys.h"

#include "manifest/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SOCKET_PATH_MAX = 107 }; /* unix(7) */

static key_load load_files, load_network, load_tcp, load_unix;

/* One item of `files`. */
struct file_item {
    char *read, *write;
};

static const struct key file_list[] = {
    {
        .name = "read",
        .type = KEY_TEXT,
        .min = 1,
        .max = GRANTS_PATH_BYTES_MAX - 1,
        .bounds = "absolute, no symbolic link on the way",
        .example = "/usr/share/site",
        .meaning = "a file, or a folder with all in it, to read; a path without a key means the same",
        .check = grants_path_fault,
        KEY_MEMBER(struct file_item, read),
    },
    {
        .name = "write",
        .type = KEY_TEXT,
        .min = 1,
        .max = GRANTS_PATH_BYTES_MAX - 1,
        .bounds = "absolute, no symbolic link on the way",
        .example = "/var/lib/site/counters",
        .meaning = "a file, or a folder with all in it, to read, write, create and remove",
        .check = grants_path_fault,
        KEY_MEMBER(struct file_item, write),
    },
};

static const struct keys file_keys = {"sandbox.files[].", KEYS_OF(file_list)};

static const struct key network_list[] = {
    {
        .name = "tcp",
        .type = KEY_PORTS,
        .min = 1,
        .max = GRANTS_PORTS_MAX,
        .bounds = "1 to 16 numbers from 1 to 65535",
        .example = "[ 5432 ]",
        .meaning = "ports that the function may connect to by TCP, at any address",
        .load = load_tcp,
    },
    {
        .name = "unix",
        .type = KEY_PATHS,
        .min = 1,
        .max = GRANTS_PATHS_MAX,
        .bounds = "1 to 16 absolute paths of at most 107 bytes, no symbolic link on the way",
        .example = "[ /run/postgresql/.s.PGSQL.5432 ]",
        .meaning = "sockets of this machine that the function may connect to",
        .load = load_unix,
    },
};

static const struct keys network_keys = {"sandbox.network.", KEYS_OF(network_list)};

static const struct key_word network_words[] = {{"none", 0}, {NULL, 0}};

static const struct key sandbox_list[] = {
    {
        .name = "files",
        .type = KEY_GRANTS,
        .initial = "[]",
        .min = 0,
        .max = GRANTS_PATHS_MAX,
        .bounds = "at most 16 paths, sockets included, 4096 bytes together",
        .example = "[ /etc/site/thresholds.csv ]",
        .meaning = "files and folders that the function may open",
        .inside = &file_keys,
        .load = load_files,
    },
    {
        .name = "network",
        .type = KEY_NETWORK,
        .initial = "none",
        .bounds = "none, or keys",
        .example = "{ tcp: [ 5432 ] }",
        .meaning = "whom the function may connect to",
        .words = network_words,
        .inside = &network_keys,
        .load = load_network,
    },
};

const struct keys manifest_sandbox_keys = {"sandbox.", KEYS_OF(sandbox_list)};

/* ---- paths ---- */

static size_t count_bytes(const struct grants *g)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < g->path_count; i++)
        bytes += g->paths[i].path.len;
    return bytes;
}

/* Two grants on one path would leave open which of them holds. */
static bool has_room(struct key_loader *loader, const char *key, const struct grants *g, struct slice path,
                     struct yaml_node *node)
{
    for (uint32_t i = 0; i < g->path_count; i++) {
        if (!grants_overlap(path, g->paths[i].path))
            continue;
        keys_complain(loader, node, "%s: '%.100s' overlaps with '%.100s': grant one of them", key, path.data,
                      g->paths[i].path.data);
        return false;
    }
    if (g->path_count < GRANTS_PATHS_MAX && count_bytes(g) + path.len <= GRANTS_PATH_BYTES_MAX)
        return true;
    keys_complain(loader, node, "%s: at most 16 paths of 4096 bytes together are allowed: grant a folder",
                  key);
    return false;
}

/* Takes the path. */
static int add(struct key_loader *loader, const char *key, struct manifest *m, enum grant_kind kind,
               char *path, struct yaml_node *node)
{
    struct grants *g = &m->grants;
    if (!has_room(loader, key, g, slice_of(path), node)) {
        free(path);
        return 0;
    }
    m->grant_places[g->path_count] = (struct manifest_place){node->line, node->column};
    g->paths[g->path_count++] = (struct grant){kind, slice_of(path)};
    return 0;
}

static int load_path(struct key_loader *loader, const char *name, struct manifest *m, enum grant_kind kind,
                     struct yaml_node *node)
{
    const struct keys keys = {"sandbox.", NULL, 0};
    const struct key key = {.name = name,
                            .type = KEY_TEXT,
                            .min = 1,
                            .max = kind == GRANT_UNIX ? SOCKET_PATH_MAX : GRANTS_PATH_BYTES_MAX - 1,
                            .example = "[ /etc/site/thresholds.csv ]",
                            .check = grants_path_fault};
    char *path, full[32] = "sandbox.";
    if (!keys_expect_text(loader, &keys, &key, node))
        return 0;
    if (keys_copy(node->text, &path) < 0)
        return -ENOMEM;
    return add(loader, strcat(full, name), m, kind, path, node);
}

static int load_keyed(struct key_loader *loader, const struct key *key, struct manifest *m,
                      struct yaml_node *node)
{
    struct file_item item = {NULL, NULL};
    int r = keys_load(loader, key->inside, node, &item);
    if (r == 0 && item.read && !item.write)
        return add(loader, "sandbox.files", m, GRANT_READ, item.read, yaml_find(node, "read"));
    if (r == 0 && item.write && !item.read)
        return add(loader, "sandbox.files", m, GRANT_WRITE, item.write, yaml_find(node, "write"));
    if (r == 0 && item.read)
        keys_complain(loader, node,
                      "sandbox.files: `read` and `write` in one item: write two, each with a path; "
                      "`write` lets read, too");
    else if (r == 0 && node->child_count == 0)
        keys_complain(loader, node,
                      "sandbox.files: an item without a path: write for instance - read: /etc/site");
    free(item.read);
    free(item.write);
    return r;
}

static int load_file(struct key_loader *loader, const struct key *key, void *target, struct yaml_node *item)
{
    return item->kind == YAML_MAP ? load_keyed(loader, key, target, item)
                                  : load_path(loader, "files", target, GRANT_READ, item);
}

static int load_socket(struct key_loader *loader, const struct key *key, void *target, struct yaml_node *item)
{
    (void)key;
    return load_path(loader, "network.unix", target, GRANT_UNIX, item);
}

static int load_each(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *node, void *target,
                     int (*load)(struct key_loader *, const struct key *, void *target, struct yaml_node *))
{
    struct yaml_node *item;
    int r = 0;
    if (!keys_expect(loader, keys, key, node, YAML_LIST))
        return 0;
    STAILQ_FOREACH (item, &node->children, next) {
        if (r == 0)
            r = load(loader, key, target, item);
    }
    return r;
}

static int load_files(struct key_loader *loader, const struct keys *keys, const struct key *key,
                      struct yaml_node *node, void *target)
{
    return load_each(loader, keys, key, node, target, load_file);
}

static int load_unix(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *node, void *target)
{
    return load_each(loader, keys, key, node, target, load_socket);
}

/* ---- the network ---- */

static bool is_known(const struct grants *g, uint64_t port)
{
    for (uint32_t i = 0; i < g->port_count; i++) {
        if (g->ports[i] == port)
            return true;
    }
    return false;
}

static void load_port(struct key_loader *loader, struct grants *g, struct yaml_node *item)
{
    char shown[YAML_SHOWN_MAX];
    const char *why;
    uint64_t port;
    if (item->kind != YAML_TEXT || !item->plain || units_parse_count(item->text, &port, &why) < 0 ||
        port < 1 || port > UINT16_MAX)
        keys_complain(loader, item, "sandbox.network.tcp: %s is no port: write a number from 1 to 65535",
                      yaml_show(item, shown));
    else if (is_known(g, port))
        keys_complain(loader, item, "sandbox.network.tcp: %u is written twice: take one out", (unsigned)port);
    else
        g->ports[g->port_count++] = (uint16_t)port;
}

static int load_tcp(struct key_loader *loader, const struct keys *keys, const struct key *key,
                    struct yaml_node *node, void *target)
{
    struct manifest *m = target;
    struct yaml_node *item;
    if (!keys_expect(loader, keys, key, node, YAML_LIST))
        return 0;
    m->ports_place = (struct manifest_place){node->line, node->column};
    STAILQ_FOREACH (item, &node->children, next) {
        load_port(loader, &m->grants, item);
    }
    return 0;
}

static int load_network(struct key_loader *loader, const struct keys *keys, const struct key *key,
                        struct yaml_node *node, void *target)
{
    char shown[YAML_SHOWN_MAX];
    (void)keys;
    if (node->kind == YAML_MAP)
        return keys_load(loader, key->inside, node, target);
    if (node->kind != YAML_TEXT || !slice_equal(node->text, slice_of("none")))
        keys_complain(loader, node,
                      "sandbox.network: found %s: write none, or for instance { tcp: [ 5432 ] }",
                      yaml_show(node, shown));
    return 0;
}

/* ---- afterwards ---- */

void manifest_check_sandbox(struct key_loader *loader, const struct manifest *m)
{
    struct yaml_node *limits = yaml_find(loader->tree->root, "limits");
    struct yaml_node *size = yaml_find(limits, "file_size");
    struct yaml_node *files = yaml_find(yaml_find(loader->tree->root, "sandbox"), "files");
    if (size && !size->refused && !(files && files->refused) && !grants_have(&m->grants, GRANT_WRITE))
        keys_complain(loader, size,
                      "limits.file_size: the function may write no file: take it out, or grant one with "
                      "sandbox: { files: [ { write: PATH } ] }");
}

static bool begins_with(const char **text, const char *beginning)
{
    size_t len = strlen(beginning);
    if (strncmp(*text, beginning, len) != 0)
        return false;
    *text += len;
    return true;
}

bool manifest_find_grant(const struct manifest *m, const char *complaint, struct manifest_place *ret_place)
{
    const char *rest = complaint;
    if (begins_with(&rest, "sandbox.network.tcp: "))
        *ret_place = m->ports_place;
    if (rest != complaint)
        return m->ports_place.line > 0;
    if (!begins_with(&rest, "sandbox.files: ") && !begins_with(&rest, "sandbox.network.unix: "))
        return false;
    bool is_unix = strncmp(complaint, "sandbox.n", 9) == 0;
    for (uint32_t i = 0; i < m->grants.path_count; i++) {
        const struct grant *g = &m->grants.paths[i];
        const char *path = rest;
        if ((g->kind == GRANT_UNIX) != is_unix)
            continue;
        *ret_place = m->grant_places[i];
        if (*rest != '\'' || (begins_with(&path, "'") && begins_with(&path, g->path.data) && *path == '\''))
            return true;
    }
    return false;
}

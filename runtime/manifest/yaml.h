/* yaml.h: YAML text as a tree in which every node knows where it was written. Pure.
 *
 * libyaml's parser with limits on top. Settings need little of YAML: anchors, aliases, tags and more than one
 * document are refused, which leaves nothing that grows when it is expanded. Text stays text: what a word
 * means (a number, null) is up to whoever reads the node. */
#ifndef HARK_MANIFEST_YAML_H
#define HARK_MANIFEST_YAML_H

#include "shared/diag.h"
#include "shared/slice.h"

#include <sys/queue.h>

enum {
    YAML_BYTES_MAX = 1024 * 1024,
    YAML_NODES_MAX = 40000, /* keys count, too; a thousand test cases have some 20,000 */
    YAML_DEPTH_MAX = 16,
    YAML_SHOWN_MAX = 96 /* bytes of yaml_show */
};

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

STAILQ_HEAD(yaml_nodes, yaml_node);

struct yaml_node {
    STAILQ_ENTRY(yaml_node) next;
    struct yaml_node *key;      /* in a map: the name of this value, a YAML_TEXT; else NULL */
    struct yaml_nodes children; /* items of a list, values of a map, as written */
    size_t child_count;
    struct slice text; /* of YAML_TEXT: NUL-terminated, UTF-8, no NUL inside */
    size_t start;      /* byte of the text at which it begins: a list without brackets, at its first dash */
    size_t end;      /* past its last byte; of a list or keys without brackets, past that of the last value */
    unsigned line;   /* 1-based */
    unsigned column; /* 1-based, bytes */
    enum yaml_kind kind;
    bool plain;   /* YAML_TEXT without quotes */
    bool refused; /* somebody complained about it: not worth a second complaint */
};

struct yaml_tree {
    const char *file;       /* borrowed */
    struct slice text;      /* borrowed; without its byte order mark */
    struct yaml_node *root; /* NULL: nothing but comments */
};

/* 0 and *ret_tree (yaml_tree_finish), which lives as long as file and text; duplicate keys, the only fault
 * that does not end the reading, are in *diags then and refused. -EINVAL: *diags has one entry more. -ENOMEM.
 */
__attribute__((warn_unused_result)) int yaml_tree_parse(const char *file, struct slice text,
                                                        struct yaml_tree *ret_tree, struct diags *diags);
void yaml_tree_finish(struct yaml_tree *tree);

/* The value of that name in a map, or NULL; NULL also when map is NULL or no map. */
struct yaml_node *yaml_find(const struct yaml_node *map, const char *name);

/* Its last item or value; NULL: there is none. */
struct yaml_node *yaml_last(const struct yaml_node *parent);

/* Was nothing written, or a word for it: empty, `~`, `null`? */
bool yaml_is_null(const struct yaml_node *node);

/* The column of the n-th byte (from 0) of a text, where the text stands in the file as it is; else (escapes,
 * line breaks) the column of the node. */
unsigned yaml_column_in(const struct yaml_tree *tree, const struct yaml_node *node, size_t n);

/* What a person would call the node: `'abc'`, `a list`, `keys`, `nothing`. Long texts are cut, and what may
 * hold a password (a URL) is `a text`. Returns buffer. */
const char *yaml_show(const struct yaml_node *node, char buffer[YAML_SHOWN_MAX]);

#endif

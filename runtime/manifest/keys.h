/* keys.h: a table of keys: what may be written in a file of settings, and the loader that it drives.
 *
 * Pure. The same table gives the complaints, the defaults, the JSON Schema and the reference in docs/: a key
 * is described once. A table describes one map; the keys inside `instances: { … }` are a table of their own
 * that fills the same struct, the keys of an item of a list fill that item. */
#ifndef HARK_MANIFEST_KEYS_H
#define HARK_MANIFEST_KEYS_H

#include "manifest/yaml.h"
#include "shared/diag.h"

#include <stddef.h>
#include <stdint.h>

/* What a value is. Lists and free names come with a loader of their own (key.load). */
enum key_type {
    KEY_TEXT,        /* char *; min..max bytes */
    KEY_PATTERN,     /* char *: a topic filter with {names} */
    KEY_TOPIC,       /* char *: a topic to publish to */
    KEY_DURATION,    /* uint64_t ns; min..max ns */
    KEY_SECONDS,     /* uint32_t s, written as a duration; min..max ns */
    KEY_SIZE,        /* uint64_t bytes; min..max bytes */
    KEY_RATE,        /* uint64_t bytes a second; min..max bytes */
    KEY_COUNT,       /* uint32_t or uint8_t; min..max */
    KEY_PERCENT,     /* uint32_t; min..max percent */
    KEY_CHOICE,      /* one of `words`: its value, in any integer or bool */
    KEY_ORDER,       /* one of `words`, or {name} */
    KEY_MAP,         /* keys of the table `inside`, in the same struct */
    KEY_MAPS,        /* list of maps of `inside`; min..max items */
    KEY_NAMED,       /* free names, each with a map of `inside`; min..max of them */
    KEY_PATTERNS,    /* list of patterns; min..max items */
    KEY_PAIRS,       /* free names, each with a text, or a map of `inside`; min..max of them */
    KEY_GRANTS,      /* list of paths, each a text, or a map of `inside`; min..max items */
    KEY_NETWORK,     /* one of `words`, or a map of `inside` */
    KEY_PORTS,       /* list of whole numbers from 1 to 65535; min..max items */
    KEY_PATHS,       /* list of texts; min..max items */
    KEY_TEXTS,       /* list of texts, each of them perhaps a map of `inside`; min..max items */
    KEY_ONE_OR_MAPS, /* a map of `inside`, or a list of them; min..max items */
    KEY_ANY,         /* whatever YAML can say */
    KEY_TYPES
};

struct key_word {
    const char *word; /* NULL ends the list */
    unsigned value;
};

struct key_loader;
struct keys;
struct key;

/* Loads the node into the target; says what is wrong with keys_complain. 0 or -ENOMEM. */
typedef int key_load(struct key_loader *loader, const struct keys *keys, const struct key *key,
                     struct yaml_node *node, void *target);

struct key {
    const char *name;
    enum key_type type;
    bool required;
    const char *initial; /* the default as one would write it; NULL: none */
    uint64_t min, max;
    const char *bounds;           /* what min and max do not say, in words; NULL: they say all */
    const char *example;          /* what to write after `name: ` */
    const char *meaning;          /* one line */
    const struct key_word *words; /* KEY_CHOICE, KEY_ORDER */
    const struct keys *inside;    /* KEY_MAP, KEY_MAPS, KEY_NAMED, KEY_PAIRS */
    const char *regex;            /* the rule of a text for the JSON Schema; NULL: any */

    /* Is the text good? NULL, or what is wrong and what to write. */
    const char *(*check)(struct slice text);
    key_load *load; /* instead of what the type does */

    size_t offset; /* where the value goes in the target */
    size_t size;   /* bytes of the member */
};

struct keys {
    const char *prefix; /* "" at the top, `instances.`, `triggers[].` */
    const struct key *list;
    size_t count;
    const char *const *one_of; /* of these names, ended by NULL, exactly one is needed; NULL: no such rule */
};

#define KEYS_OF(array) (array), sizeof(array) / sizeof(array)[0]

/* .offset and .size of a member. */
#define KEY_MEMBER(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
struct key_loader {
    const struct yaml_tree *tree;
    struct diags *diags;
};

/* Stores every default that is a number or a word. The target is zeroed memory. */
void keys_defaults(const struct keys *keys, void *target);

/* Loads the map into the target, which has its defaults; complains about all that is wrong (node->refused).
 * 0 or -ENOMEM; what was loaded until then is the target's. */
__attribute__((warn_unused_result)) int keys_load(struct key_loader *loader, const struct keys *keys,
                                                  struct yaml_node *node, void *target);

/* How many complaints there were, the dropped ones included. */
size_t keys_complaints(const struct diags *diags);
/* Those from `first` on in the order of the file. */
void keys_sort_complaints(struct diags *diags, size_t first);

/* ---- for loaders of single keys ---- */

__attribute__((format(printf, 3, 4))) void keys_complain(struct key_loader *loader, struct yaml_node *node,
                                                         const char *format, ...);
/* Is it of that kind, and has it as many items as the key allows? Else complains. */
bool keys_expect(struct key_loader *loader, const struct keys *keys, const struct key *key,
                 struct yaml_node *node, enum yaml_kind kind);
/* Is it a text, one that the key's type, bounds and check allow? Else complains. */
bool keys_expect_text(struct key_loader *loader, const struct keys *keys, const struct key *key,
                      struct yaml_node *node);
/* Is it a pattern for topics? Else complains. */
bool keys_expect_pattern(struct key_loader *loader, const struct keys *keys, const struct key *key,
                         struct yaml_node *node);
/* A copy of a text into *ret_copy. */
__attribute__((warn_unused_result)) int keys_copy(struct slice text, char **ret_copy);

/* ---- questions about a table ---- */

const struct key *keys_find(const struct keys *keys, struct slice name); /* NULL: unknown */
const char *key_type_name(enum key_type type);                           /* for people: `duration` */
const char *key_unit(enum key_type type);                                /* of what is written; "" if none */

/* What a default or a value of KEY_DURATION, _SECONDS, _SIZE, _RATE, _COUNT, _PERCENT, _CHOICE or _ORDER
 * stands for, in the unit of min and max. 0, or -EINVAL or -ERANGE and *ret_why completes "'2x' …". */
__attribute__((warn_unused_result)) int key_number(const struct key *key, struct slice text,
                                                   uint64_t *ret_number, const char **ret_why);

/* min or max as one would write it. Returns buffer. */
enum { KEY_FORMATTED_MAX = 32 };
const char *key_format(const struct key *key, uint64_t number, char buffer[KEY_FORMATTED_MAX]);

#endif

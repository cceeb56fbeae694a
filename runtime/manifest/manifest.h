/* manifest.h: a function's manifest: YAML text to struct manifest, with a complaint for everything that is
 * wrong.
 *
 * In the dispatcher and the commands. Pure: it reads a buffer, not a file. libyaml's parser with limits of
 * ours on top (size, depth, number of nodes; aliases are refused, so an alias bomb is one complaint). All
 * complaints of a file at once. */
#ifndef HARK_MANIFEST_MANIFEST_H
#define HARK_MANIFEST_MANIFEST_H

#include "schedule/cron.h"
#include "shared/diag.h"
#include "shared/grants.h"
#include "shared/slice.h"

#include <stdint.h>

/* `publishes` and `config` are at most 256 KiB each (what comes from files included), which a worker's SETUP
 * frame holds. */
enum {
    MANIFEST_BYTES_MAX = 1024 * 1024,
    MANIFEST_NAME_MAX = 63,
    MANIFEST_TRIGGERS_MAX = 64,
    MANIFEST_SHARE_MAX = 64, /* bytes */
    MANIFEST_PUBLISHES_MAX = 256,
    MANIFEST_CONFIG_MAX = 256,
    MANIFEST_CONFIG_BYTES_MAX = 256 * 1024, /* names and values together */
    MANIFEST_CONFIG_FILE_MAX = 64 * 1024,   /* one value from a file */
    MANIFEST_INSTANCES_MAX = 256
};

/* A topic, or a timer: `every` or `cron`. */
struct manifest_trigger {
    char *topic; /* pattern as written, {names} included; checked by topic_pattern_check. NULL: a timer */
    char *share; /* name of the shared subscription; NULL: not shared */
    uint8_t qos;
    bool retained; /* deliver retained messages; false: skip */

    char *timer;       /* what it is called: `every 30s`, `cron 0 6 * * * Europe/Berlin`; NULL: a topic */
    uint64_t every_ns; /* 100 ms .. 365 d; 0: no `every` */
    char *cron_text;   /* as written; NULL: no `cron` */
    struct cron cron;
    char *timezone;                          /* a name of tzdata's; NULL: UTC */
    struct zone *zone;                       /* NULL: UTC, or still to be read (not by manifest_parse) */
    unsigned timezone_line, timezone_column; /* for later complaints */
};

enum manifest_order { ORDER_NONE, ORDER_TOPIC, ORDER_CAPTURE, ORDER_ALL };

struct manifest_pair {
    char *key;
    char *value;     /* NULL: still to be read from from_file */
    char *from_file; /* path as written, by the rules of `handler`; NULL: the value is in the manifest */
    unsigned line, column; /* of the value, for later complaints */
};

struct manifest_place {
    unsigned line, column;
};

struct manifest {
    char *function;    /* [a-z0-9][a-z0-9-]{0,62} */
    char *handler;     /* path as written: absolute, or relative without a part `..` */
    char *description; /* NULL when not given */
    struct manifest_trigger *triggers;
    size_t trigger_count; /* at least 1 */
    char **publishes;     /* patterns */
    size_t publish_count;
    uint64_t timeout_ns;           /* 10 s; 1 ms .. 1 h */
    uint32_t instances_min;        /* 0 */
    uint32_t instances_max;        /* 1; 1..256, >= min */
    uint64_t instances_idle_ns;    /* 60 s; 0 .. 1 d */
    enum manifest_order order;     /* ORDER_TOPIC */
    char *order_capture;           /* for ORDER_CAPTURE: a name that every topic of a trigger has */
    uint32_t retry_attempts;       /* 3; 1..100 */
    uint64_t retry_backoff_ns;     /* 200 ms; 1 ms .. 1 h */
    uint64_t retry_max_backoff_ns; /* 30 s; 1 ms .. 1 d, >= backoff */
    char *dead_letter;             /* topic; NULL: `none`. Default hark/dead/<function> */
    uint64_t limit_payload_bytes;  /* 256 KiB; 1 B .. 16 MiB */
    uint32_t limit_queue;          /* 1000 messages; 1..65535 */
    uint32_t limit_publishes;      /* 1000 per invocation; 0..100000 */
    uint64_t limit_memory_bytes;   /* 64 MiB; 4 MiB .. 4 GiB */
    uint32_t limit_cpu_s;          /* 0: none; 1 s .. 365 d */
    uint32_t limit_cpu_percent;    /* 0: none; 1 .. 10000 of one processor */
    uint32_t limit_threads;        /* 1; 1..256 */
    uint32_t limit_files;          /* 16; 4..1024 */
    uint64_t limit_file_bytes;     /* 64 MiB; 1 B .. 1 TiB. Only with GRANT_WRITE */
    uint64_t limit_log_bytes;      /* a second: 64 KiB; 1 KiB .. 64 MiB */
    struct manifest_pair *config;
    size_t config_count;
    uint32_t session_expiry_s;           /* 1 d; 0 .. 10 years */
    char *broker;                        /* a broker's name; NULL: the node's default */
    unsigned broker_line, broker_column; /* of its value, for later complaints */
    struct grants grants;                /* `sandbox`; the paths are the manifest's */
    struct manifest_place grant_places[GRANTS_PATHS_MAX], ports_place; /* for later complaints */
    char *file;                                                        /* the name given to manifest_parse */
    unsigned handler_line, handler_column, function_line, function_column; /* for later complaints */
};

/* 0 and *ret_manifest (caller frees with manifest_free), or -EINVAL and at least one entry in *diags;
 * -ENOMEM. `file` is only used in complaints. Memory is bounded by MANIFEST_BYTES_MAX whatever the text. */
__attribute__((warn_unused_result)) int manifest_parse(const char *file, struct slice text,
                                                       struct manifest **ret_manifest, struct diags *diags);

/* NULL: it is a function's name; else why not, to stand behind "'X' is". */
const char *manifest_name_fault(struct slice name);

/* What a bare .so runs with in `hark invoke FILE.so`: named after the file, one trigger `#`, defaults
 * elsewhere. */
struct manifest *manifest_for_handler(const char *path); /* NULL: out of memory */

/* Where the grant is written that a worker's complaint begins with, "sandbox.files: '/etc/x': …"; false: it
 * is about none. */
bool manifest_find_grant(const struct manifest *m, const char *complaint, struct manifest_place *ret_place);

void manifest_free(struct manifest *m); /* NULL is fine */

#endif

/* grants.h: what a function may reach beyond its messages: the manifest's `sandbox`. Pure.
 *
 * Everything is denied unless it is named, by its absolute path or its port. What is named is opened by the
 * worker as it is sealed (worker/granted.h); what this machine cannot enforce is refused, never run open:
 * grants_refusal() is the one place that knows what a grant needs of the seal. */
#ifndef HARK_SHARED_GRANTS_H
#define HARK_SHARED_GRANTS_H

#include "shared/layers.h"
#include "shared/slice.h"

#include <stdint.h>

enum {
    GRANTS_PATHS_MAX = 16,       /* files, folders and sockets together */
    GRANTS_PORTS_MAX = 16,       /* TCP */
    GRANTS_PATH_BYTES_MAX = 4096 /* of all paths together */
};

enum grant_kind {
    GRANT_READ = 1, /* a file, or a folder with all that is in it */
    GRANT_WRITE,    /* the same, to write, create and remove, too */
    GRANT_UNIX      /* a socket, to connect to */
};

struct grant {
    enum grant_kind kind;
    struct slice path; /* by the rules of grants_path_fault; a NUL follows it */
};

/* Borrows its paths. */
struct grants {
    struct grant paths[GRANTS_PATHS_MAX];
    uint32_t path_count;
    uint16_t ports[GRANTS_PORTS_MAX]; /* that may be connected to by TCP */
    uint32_t port_count;
};

/* The most bytes that grants_encode needs. */
enum { GRANTS_BYTES_MAX = 8 + GRANTS_PATHS_MAX * 9 + GRANTS_PATH_BYTES_MAX + GRANTS_PORTS_MAX * 4 };

bool grants_have(const struct grants *grants, enum grant_kind kind);
bool grants_empty(const struct grants *grants);

/* NULL when the path may be written in a manifest: absolute, in its shortest form, and of no place where the
 * kernel keeps what is not a file. Else what is wrong and what to write. */
const char *grants_path_fault(struct slice path);
/* Is one of the two the other, or inside it? */
bool grants_overlap(struct slice a, struct slice b);

/* How many bytes it takes; of no grants: none. */
uint32_t grants_encode(const struct grants *grants, char bytes[GRANTS_BYTES_MAX]);
/* 0 and *ret_grants, which borrows from the bytes; or -EBADMSG: a bound or a rule of grants_path_fault is
 * broken, or there are bytes too many. No bytes are no grants. */
__attribute__((warn_unused_result)) int grants_decode(struct slice bytes, struct grants *ret_grants);

/* Why a seal of these layers cannot enforce the grants, and what to do; NULL: it can. *ret_key is the key of
 * the manifest that it is about. */
const char *grants_refusal(const struct grants *grants, const struct layer_state layers[LAYER_COUNT],
                           const char **ret_key);

/* Is a granted path mounted into an empty root? False: landlock alone keeps a function to its paths. */
bool grants_are_mounted(const struct layer_state layers[LAYER_COUNT]);

#endif

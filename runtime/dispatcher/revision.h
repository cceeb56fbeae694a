/* revision.h: one version of a function: its manifest with its config, and its .so frozen in a sealed memfd.
 * Of a script: its text, and the adapter that runs it in the place of the .so.
 * Immutable, but for its log budget and its share of a cgroup.
 *
 * revision_load reads files and computes: it may run on a thread of libuv's pool; it touches nothing shared.
 * All else: on the loop thread. Counted: the loader's caller has the first reference. */
#ifndef HARK_DISPATCHER_REVISION_H
#define HARK_DISPATCHER_REVISION_H

#include "dispatcher/cgroup.h"
#include "dispatcher/log_budget.h"
#include "manifest/manifest.h"
#include "shared/diag.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
    REVISION_VERSION_LEN = 12, /* hex digits of the SHA-256 of manifest, config files, handler, and a script's
                                * adapter */
    REVISION_HANDLER_BYTES_MAX = 256 << 20
};

struct revision {
    unsigned references;
    struct manifest *manifest; /* owned */
    int handler_fd;            /* sealed memfd, owned, close-on-exec */
    char *handler_path;        /* where it was read from */
    char *script;              /* its text, when the handler is one (script.h), owned; else NULL */
    size_t script_bytes;
    char version[REVISION_VERSION_LEN + 1];
    bool publish_anywhere;             /* a bare .so in `hark invoke` */
    struct log_budget *log_budget;     /* owned; of all its workers together. Loop thread */
    struct cgroup_share *cgroup_share; /* likewise */
};

/* What a file looked like: when it is the same again, its content is taken for the same. */
struct file_signature {
    bool exists;
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec modified, changed;
};
void file_signature_take(const char *path, struct file_signature *ret_signature);
bool file_signature_equal(const struct file_signature *a, const struct file_signature *b);
/* It is there, and by its own times nobody has touched it in the `for_ns` before `now` (CLOCK_REALTIME). A
 * rename counts as a touch. */
bool file_signature_is_still(const struct file_signature *s, struct timespec now, uint64_t for_ns);

/* Reads and checks the manifest, what its config has in files, then its handler: relative to the manifest's
 * folder, then to `functions` (NULL: none). A file that somebody else could change (trust.h) is refused.
 * 0 and *ret_revision, or a negative errno and at least one complaint in *diags: -EAGAIN: a
 * file changed while it was read, try again soon. */
__attribute__((warn_unused_result)) int revision_load(const char *manifest_path, const char *functions,
                                                      struct revision **ret_revision, struct diags *diags);
/* What a manifest names: known as soon as the manifest is good, also when its handler is not. Owned by the
 * caller. */
struct revision_names {
    char *function;
    char *handler_path;                      /* where the handler is, or should be */
    struct file_signature handler_signature; /* just before it was read */
    char *other_path;                        /* the other of the two places; NULL: there is one */
    uint64_t other_signature;
    char **config_files;       /* paths of what `config` has in files; ends in NULL; or NULL */
    uint64_t config_signature; /* of all of them, likewise */
};
/* What the files of a list that ends in NULL look like, in one number. 0: there is no list. */
uint64_t file_signatures_fold(char *const *paths);
void revision_names_finish(struct revision_names *names);
/* The same; *ret_names is filled in when the manifest could be read, whatever becomes of the handler. */
__attribute__((warn_unused_result)) int revision_load_named(const char *manifest_path, const char *functions,
                                                            struct revision **ret_revision,
                                                            struct revision_names *ret_names,
                                                            struct diags *diags);
/* The same for a bare .so with manifest_for_handler. */
__attribute__((warn_unused_result)) int revision_load_handler(const char *handler_path,
                                                              struct revision **ret_revision,
                                                              struct diags *diags);
/* A revision whose handler is these bytes, whatever they are: for trying a worker. NULL: out of memory. */
struct revision *revision_of_bytes(const char *name, struct slice bytes);
/* Where the manifest's handler lies: the first of the two places where a file is, else the first. Caller
 * frees. */
char *revision_handler_path(const char *manifest_path, const char *functions, const char *handler);

/* What a worker said why it does not get ready, with the place in the manifest of the grant that it is about.
 */
void revision_place(const struct revision *r, const char *text, struct diag *ret_diag);

void revision_hold(struct revision *r);
void revision_drop(struct revision *r); /* the last one frees; NULL is fine */

#endif

/* script.h: handlers that are scripts. Their names tell: what ends in .lua or .js is read as text, and the
 * adapter of its language, which stands beside hark-worker, is what a worker loads.
 *
 * Any thread; touches nothing shared. */
#ifndef HARK_DISPATCHER_SCRIPT_H
#define HARK_DISPATCHER_SCRIPT_H

#include "dispatcher/freeze.h"
#include "shared/script.h"

#include <stdbool.h>

bool script_is_named(const char *path);

/* The text of a script that nobody else could change (trust.h), with a NUL that is not counted; the caller
 * frees. At most SCRIPT_BYTES_MAX. Errors and words as of freeze_trusted_file. */
__attribute__((warn_unused_result)) int script_read(const char *path, char **ret_text, size_t *ret_len,
                                                    struct diag *diag);

/* Where the adapter for the script of this name is, or should be. The caller frees; NULL: it is no script, or
 * out of memory. */
char *script_adapter_path(const char *path);

/* The adapter for the script of this name: a part of hark, as hark-worker is. As freeze_file; -ENOEXEC: this
 * hark has none. */
__attribute__((warn_unused_result)) int script_freeze_adapter(const char *path, struct frozen *ret_frozen,
                                                              struct diag *diag);

#endif

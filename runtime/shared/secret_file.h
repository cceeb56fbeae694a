/* secret_file.h: files that hold a password or a key: read only when nobody else can read them.
 *
 * Any process that may know secrets: the dispatcher. Synchronous; the files are small and local. */
#ifndef HARK_SHARED_SECRET_FILE_H
#define HARK_SHARED_SECRET_FILE_H

#include "shared/diag.h"

#include <stddef.h>

/* Owned; wiped by secret_finish. */
struct secret {
    char *data; /* with a NUL behind it that is not counted */
    size_t len;
};

/* The file's first max_bytes bytes at most. A file that others than its owner (or its group) have access to
 * is refused, and so is what is no file. what: "password", for complaints. 0, or a negative errno and *diag.
 */
__attribute__((warn_unused_result)) int secret_file_read(const char *path, const char *what, size_t max_bytes,
                                                         struct secret *ret_secret, struct diag *diag);
void secret_finish(struct secret *secret);

#endif

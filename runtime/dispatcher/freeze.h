/* freeze.h: the content of a file as it was at one moment, in a sealed memfd that nobody can change any more.
 *
 * Any thread. A file may be overwritten in place at any time: what runs must be what was checked. */
#ifndef HARK_DISPATCHER_FREEZE_H
#define HARK_DISPATCHER_FREEZE_H

#include "shared/diag.h"

#include <stdint.h>

enum {
    FREEZE_SETTLE_MS = 25
}; /* a file changed this recently may change again within one tick of its times */

struct frozen {
    int fd;              /* sealed against every change, close-on-exec; read from its start */
    const uint8_t *data; /* the same bytes, mapped read-only; never NULL */
    size_t len;
};

/* 0 and *ret_frozen, or a negative errno and diag->text (no file, no line): -ENOENT;
 * -EINVAL: not a regular file (nothing is read from a FIFO or device); -EFBIG: more than max_bytes; -EAGAIN:
 * it changed while it was read; others as open(2), read(2), memfd_create(2). May wait for FREEZE_SETTLE_MS.
 * `name` is shown in /proc/PID/maps of those who map it. */
__attribute__((warn_unused_result)) int freeze_file(const char *path, const char *name, size_t max_bytes,
                                                    struct frozen *ret_frozen, struct diag *diag);
/* The same of a file that nobody else could change (trust.h), on its way or when it was opened; else -EPERM.
 */
__attribute__((warn_unused_result)) int freeze_trusted_file(const char *path, const char *name,
                                                            size_t max_bytes, struct frozen *ret_frozen,
                                                            struct diag *diag);
int freeze_take_fd(struct frozen *f); /* the caller owns the fd; the rest of *f is finished */
void freeze_finish(struct frozen *f);

#endif

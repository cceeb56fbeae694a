/* trust.h: could somebody else change this file? The rule of sshd(8)'s StrictModes.
 *
 * Any thread. Whoever can write a manifest or a handler decides what hark runs and with which secrets, so
 * that must be root or the user who runs hark, and nobody besides. The file and every folder above it, up to
 * /, must belong to one of the two and not be writable by group or others. A folder with the sticky bit, like
 * /tmp, may be: nobody can replace there what is another's. Symbolic links are followed, and both the folder
 * that holds the last of them and the place it leads to are looked at. */
#ifndef HARK_DISPATCHER_TRUST_H
#define HARK_DISPATCHER_TRUST_H

#include "shared/diag.h"

#include <sys/stat.h>

/* Of what is no file only the folders are looked at: whoever reads it refuses it.
 * 0, or a negative errno and diag->text (no file, no line): -EPERM: somebody else could, and the text says
 * who and what to type; others as stat(2), and then *diag says so too. */
__attribute__((warn_unused_result)) int trust_check(const char *path, struct diag *diag);

/* The same of the file that the path led to when it was opened, which need not be the one that was looked at
 * before: *s is fstat(2)'s word on it. */
__attribute__((warn_unused_result)) int trust_check_opened(const char *path, const struct stat *s,
                                                           struct diag *diag);

#endif

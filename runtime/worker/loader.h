/* loader.h: from a .so in a descriptor to a struct hark_function that may be called.
 *
 * In the sealed worker, once per process: constructors of the .so run in here, and glibc knows a library by
 * the name it was opened with, so a second file at the same descriptor would be taken for the first. That the
 * file is a whole ELF object for this machine, the dispatcher has checked: dlopen(3) maps half a file without
 * a word and dies of it. */
#ifndef HARK_WORKER_LOADER_H
#define HARK_WORKER_LOADER_H

#include "hark/function.h"
#include "shared/diag.h"

/* `name` is what messages call the file. 0, or -ENOEXEC and *why: what is wrong and what to do. The function
 * stays loaded for good. */
__attribute__((warn_unused_result)) int loader_load(int fd, const char *name,
                                                    const struct hark_function **ret_function,
                                                    struct diag *why);

#endif

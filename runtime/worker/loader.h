/* loader.h: from a .so in a descriptor to a struct hark_function that may be called.
 *
 * In the sealed worker, once per process. A sealed process can open no path of the machine, yet dlopen(3)
 * takes nothing else: the worker comes with a procfs as its working folder, in which self/fd/N leads to the
 * memfd. landlock(7) lets that pass, because a memfd is in no file system; the folder itself cannot be
 * opened, and is left for the empty root before the function is called. Constructors of the .so run before
 * that; they are why a folder was chosen that gives them nothing (seal.h).
 *
 * Once, because glibc knows a library by the name it was opened with: a second file at the same descriptor
 * would be taken for the first. That the file is a whole ELF object for this machine, the dispatcher has
 * checked: dlopen(3) maps half a file without a word and dies of it. */
#ifndef HARK_WORKER_LOADER_H
#define HARK_WORKER_LOADER_H

#include "hark/function.h"
#include "shared/diag.h"

/* In the zygote, while files can be seen: a small library in a memfd, to load for practice. -1: there is
 * none. */
int loader_open_sample(void);

/* Loads it and lets it go: the pages that the loader writes to are then this process's own, and its code is
 * in the caches. For a worker that waits anyway. */
void loader_warm_up(int sample);

/* `name` is what messages call the file. 0, or -ENOEXEC and *why: what is wrong and what to do. The function
 * stays loaded for good. */
__attribute__((warn_unused_result)) int loader_load(int fd, const char *name,
                                                    const struct hark_function **ret_function,
                                                    struct diag *why);

/* The same outside of the seal, from the file itself: a debugger finds its symbols and sources by that. */
__attribute__((warn_unused_result)) int loader_open(const char *path, const char *name,
                                                    const struct hark_function **ret_function,
                                                    struct diag *why);

#endif

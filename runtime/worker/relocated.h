/* relocated.h: what the loader has written into the libraries that wait for functions.
 *
 * In the zygote, single-threaded. fork(2) copies the page tables of memory that was written to, mapping by
 * mapping, and of nothing else: what can be read from a file again, the child finds when it looks. Libraries
 * that were relocated are the larger part of what the zygote has written, and most workers never look. So it
 * becomes a file in memory, mapped where it was: at the same addresses, with the same bytes and rights. */
#ifndef HARK_WORKER_RELOCATED_H
#define HARK_WORKER_RELOCATED_H

#include <stddef.h>

/* How many objects are loaded. */
size_t relocated_count(void);

/* Of all objects but the first `known`, which are those that every worker uses. 0 or -errno: then the process
 * must not go on. */
__attribute__((warn_unused_result)) int relocated_put_aside(size_t known);

#endif

/* libraries.h: the loaded libraries, so that a fork copies little of them.
 *
 * In the zygote, single-threaded. fork(2) copies each mapping, and the page tables of those that were written
 * to: what can be read from a file again, the child finds when it looks. */
#ifndef HARK_WORKER_LIBRARIES_H
#define HARK_WORKER_LIBRARIES_H

#include <stddef.h>

/* How many objects are loaded. */
size_t libraries_count(void);

/* What the loader has written is the larger part of what the zygote has, and most workers never look at it.
 * So it becomes a file in memory, mapped where it was: at the same addresses, with the same bytes and rights.
 * Of all objects but the first `known`, which are those that every worker uses. 0 or -errno: then the process
 * must not go on. */
__attribute__((warn_unused_result)) int libraries_put_aside(size_t known);

/* The headers, the code and the constants of each object, which lie side by side in its file, become one
 * mapping of three: its constants could be executed then, which a function that brings code of its own gains
 * nothing from; nothing of it can be written to. Where the machine refuses, they stay as they are. */
void libraries_join_text(void);

#endif

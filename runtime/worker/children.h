/* children.h: the zygote's workers that are not reaped yet: number to process and back.
 *
 * A process id stays taken until its process is reaped, and children_remove is called exactly then, so a
 * process found here can be signalled without hitting a stranger. */
#ifndef HARK_WORKER_CHILDREN_H
#define HARK_WORKER_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct child {
    uint32_t worker; /* the dispatcher's number for it */
    pid_t pid;
    LIST_ENTRY(child) link;
};

LIST_HEAD(children, child);

/* Adds a child that has no process yet: before the fork, so that a fork never has to be undone. NULL: no
 * memory. */
struct child *children_add(struct children *list, uint32_t worker);
struct child *children_find(struct children *list, uint32_t worker);
struct child *children_of_pid(struct children *list, pid_t pid);
void children_remove(struct child *child); /* frees it */

#endif

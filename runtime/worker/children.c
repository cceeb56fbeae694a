#include "worker/children.h"

#include <stdlib.h>

struct child *children_add(struct children *list, uint32_t worker)
{
    struct child *child = calloc(1, sizeof *child);
    if (!child)
        return NULL;
    child->worker = worker;
    LIST_INSERT_HEAD(list, child, link);
    return child;
}

struct child *children_find(struct children *list, uint32_t worker)
{
    struct child *child;
    LIST_FOREACH (child, list, link)
        if (child->worker == worker)
            return child;
    return NULL;
}

struct child *children_of_pid(struct children *list, pid_t pid)
{
    struct child *child;
    LIST_FOREACH (child, list, link)
        if (child->pid == pid)
            return child;
    return NULL;
}

void children_remove(struct child *child)
{
    LIST_REMOVE(child, link);
    free(child);
}

/* cgroup_tree.h: what hark does to cgroups: files that are written, folders that come and go. cgroups(7),
 * Documentation/admin-guide/cgroup-v2.rst of the kernel.
 *
 * In the dispatcher. None of it waits, but for cgroup_tree_clear. Errors are negative errnos. */
#ifndef HARK_DISPATCHER_CGROUP_TREE_H
#define HARK_DISPATCHER_CGROUP_TREE_H

#include "dispatcher/cgroup_place.h"

/* A control file gets a value. */
__attribute__((warn_unused_result)) int cgroup_put(int folder, const char *name, const char *value);
__attribute__((warn_unused_result)) int cgroup_put_number(int folder, const char *name,
                                                          unsigned long long value);
/* A child, made unless it is there: its folder, to close(2). */
__attribute__((warn_unused_result)) int cgroup_make(int parent, const char *name);

/* The controllers that the children of the cgroup have from now on; each of `wanted` is tried. */
unsigned cgroup_enable(int folder, unsigned wanted);
void cgroup_disable(int folder, unsigned controllers);

/* Lets nobody be born in it any more (or again). An ordinary user's zygote is kept out. */
void cgroup_bar(int folder, bool barred);
/* SIGKILL to all that is in it or below, cgroup.kill (Linux 5.14), or one process after the other. */
void cgroup_kill_all(int folder);
/* Kills all in the child, and removes it with what is below as soon as it is empty, waiting at most within_ms
 * for that. 0, or -EBUSY: it is not empty yet. */
__attribute__((warn_unused_result)) int cgroup_tree_clear(int parent, const char *name, int within_ms);

/* Does it work to be born there? A child tries. */
__attribute__((warn_unused_result)) int cgroup_try_birth(int folder);

#endif

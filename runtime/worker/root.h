/* root.h: a root folder with nothing in it.
 *
 * In hark-worker, in a mount namespace of its own. */
#ifndef HARK_WORKER_ROOT_H
#define HARK_WORKER_ROOT_H

/* Replaces everything mounted by one empty read-only tmpfs: pivot_root(2). What is open stays open, what is
 * not can never be opened again. 0 or a negative errno: then some of it may have happened. */
__attribute__((warn_unused_result)) int root_empty(void);

/* From there, in a copy of that mount namespace: a tmpfs that can be filled with so many files and folders,
 * the root itself included, and that holds no byte; then root_close makes it read-only. 0, or a negative
 * errno, which errno holds, too. */
__attribute__((warn_unused_result)) int root_enter_new(unsigned inodes);
__attribute__((warn_unused_result)) int root_close(void);

/* A procfs to stand in, fchdir(2), that is read-only and attached nowhere: whoever climbs out of it is in it
 * still. Both need the machine's /proc in sight. A descriptor or a negative errno.
 *
 * Of the pid namespace that the caller is in, fsmount(2). The kernel refuses where the machine's own /proc is
 * partly covered, as containers do. */
__attribute__((warn_unused_result)) int root_mount_proc(void);
/* The one that is mounted, with what is mounted in it: open_tree(2). */
__attribute__((warn_unused_result)) int root_clone_proc(void);

#endif

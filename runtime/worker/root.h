/* root.h: a root folder with nothing in it.
 *
 * In hark-worker at its start, in a mount namespace of its own. */
#ifndef HARK_WORKER_ROOT_H
#define HARK_WORKER_ROOT_H

/* Replaces everything mounted by one empty read-only tmpfs: pivot_root(2). What is open stays open, what is
 * not can never be opened again. 0 or a negative errno: then some of it may have happened. */
__attribute__((warn_unused_result)) int root_empty(void);

/* A procfs of the pid namespace the caller is in, attached nowhere: fsmount(2). A descriptor to fchdir(2) to,
 * or a negative errno. The kernel refuses where the machine's own /proc is partly covered, as containers do.
 */
__attribute__((warn_unused_result)) int root_mount_proc(void);

#endif

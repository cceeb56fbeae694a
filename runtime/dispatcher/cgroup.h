/* cgroup.h: hark's own subtree of cgroup v2: one cgroup for hark, one for the zygote, one a function.
 *
 * In the dispatcher, on the loop thread. Optional: without a cgroup of its own hark runs as well, and each
 * call here does nothing but say so where a manifest asks for what only a cgroup can do. What a function
 * loses then, and what hark does to get one, is in docs/security.md. The tree, below the cgroup that hark was
 * started in:
 *
 *     hark/                    this process and its helpers; cpu.weight 10 times that of all functions
 * together functions/ zygote/              the zygote; cpu.weight 10 times that of a function function-NAME/
 * workers and spares of a function: memory.max, pids.max, cpu.max, an equal share of the processors
 *
 * When functions run as another user than hark, that user owns the files cgroup.procs of functions/ and of
 * each function: without those the zygote may not put workers there, clone3(2). A worker gains nothing by it:
 * it has no path and no descriptor that leads there, and could at the most move between functions. */
#ifndef HARK_DISPATCHER_CGROUP_H
#define HARK_DISPATCHER_CGROUP_H

#include "dispatcher/cgroup_place.h"
#include "manifest/manifest.h"

#include <uv.h>

enum cgroup_status {
    CGROUP_ENFORCED,
    CGROUP_DEGRADED, /* some controllers are missing */
    CGROUP_ABSENT
};

/* What hark has, in words. */
struct cgroup_report {
    enum cgroup_status status;
    unsigned controllers;       /* that functions are under */
    char text[CGROUP_TEXT_MAX]; /* where it is, or why there is none */
    const char *remedy;         /* "" when there is nothing to do */
};

struct cgroups;

/* Before the zygote and any thread. Takes the cgroup of this process for its own, where that is possible, and
 * moves this process to a leaf of it. Ends what a hark before has left there. `user`: whom functions run as;
 * NULL: as hark. Never NULL; exits when memory is gone. */
struct cgroup_user {
    uid_t uid;
    gid_t gid;
};
struct cgroups *cgroups_open(uv_loop_t *loop, const struct cgroup_user *user);
const struct cgroup_report *cgroups_report(const struct cgroups *cs);
const char *cgroup_status_name(enum cgroup_status status); /* "enforced", "degraded", "absent" */

/* cgroup.procs for the zygote to write itself into, borrowed; -1: there is none. */
int cgroups_zygote_procs(const struct cgroups *cs);

/* The loop is about to end: closes its handle there. */
void cgroups_stop(struct cgroups *cs);
/* Kills what is left below functions/, waits for a moment until it is gone, removes what was made, moves back
 * to where this process came from, and frees. */
void cgroups_close(struct cgroups *cs);

/* ---- a version of a function, in the cgroup of that function ---- */

struct cgroup_share;
struct cgroup_share *cgroup_share_create(void); /* in no cgroup; NULL: out of memory. Any thread */

/* For the first worker of the version; later calls do nothing. Makes the function's cgroup where there is
 * none yet, and widens its limits. A quota of processor time that cannot be kept is said. 0, or a negative
 * errno and *diag: then no worker must start. cs: NULL is like one that is absent. */
__attribute__((warn_unused_result)) int cgroup_share_join(struct cgroup_share *share, struct cgroups *cs,
                                                          const struct manifest *m, struct diag *diag);
/* The id of the cgroup, never used twice; 0: none. */
uint64_t cgroup_share_id(const struct cgroup_share *share);
/* Its folder, for a fork order; the caller's; -1 for id 0. 0, or a negative errno: -ENODEV: it is gone. */
__attribute__((warn_unused_result)) int cgroups_dup_folder(const struct cgroups *cs, uint64_t id,
                                                           int *ret_folder);
/* And it is not about to go. cs is not looked at for id 0. */
bool cgroups_have(const struct cgroups *cs, uint64_t id);
/* A worker died of a SIGKILL that hark did not send: was it the kernel's, for want of memory? Each such kill
 * is told once. True: text says what its limit was. */
bool cgroup_share_take_oom(struct cgroup_share *share, const struct manifest *m, char *text, size_t size);
/* No worker of the version is left. With the last version the cgroup goes: what is still in it is killed.
 * NULL is fine. */
void cgroup_share_drop(struct cgroup_share *share);

#endif

/* zygote.h: the dispatcher's end of the zygote: the process that forks all workers.
 *
 * On the loop thread. Create it before any secret is read and before the loop has much memory: it is made by
 * posix_spawn(3), with an empty environment and no file but its control socket. Its first word is which
 * layers of the seal hold; orders wait for it. When a layer is missing without which functions are not run,
 * every fork fails: there is no worker outside the seal. When the zygote dies, all its workers die with it
 * (PDEATHSIG); each is told so, and a new zygote is spawned in the same way, with a growing delay. One that
 * gives no answer (zygote_health.h) is killed, and so replaced. */
#ifndef HARK_DISPATCHER_ZYGOTE_H
#define HARK_DISPATCHER_ZYGOTE_H

#include "shared/diag.h"
#include "shared/wire.h"

#include <sys/queue.h>
#include <uv.h>

/* A worker as the zygote knows it; embedded by its owner. */
struct zygote_child {
    uint32_t id; /* set by zygote_fork */
    LIST_ENTRY(zygote_child) link;
    /* It runs. Not called when the fork failed. */
    void (*started)(struct zygote_child *child, int pid);
    /* It is gone: a wait status as waitpid(2) gives it, or -errno: the fork failed (or the zygote is lost:
     * -ECHILD). Called once for each successful zygote_fork, always from the loop; the zygote forgets the
     * child before. */
    void (*exited)(struct zygote_child *child, int status);
};

struct zygote;

struct zygote_options {
    const char *program; /* the path of hark-worker; copied */
    bool grants;         /* its workers are those of functions with grants; else of those without */
    bool changes_user;   /* it becomes uid and gid before anything else; needs root */
    uid_t uid;
    gid_t gid;
    uint32_t waived;  /* bit 1 << n: enum layer n is not applied (--insecure) */
    bool in_cgroup;   /* it moves itself into the cgroup of cgroup_procs, which is open for writing; copied */
    int cgroup_procs; /* each zygote that is started again, too */
};

/* Spawns it. NULL and *diag on failure. */
struct zygote *zygote_create(uv_loop_t *loop, const struct zygote_options *options, struct diag *diag);

/* Another, for functions with grants: the same program, user and waived layers. is_networked: they may use
 * the machine's network, so it is without LAYER_NETNS. NULL and *diag on failure. */
struct zygote *zygote_create_granting(const struct zygote *z, bool is_networked, struct diag *diag);

/* What it said of the seal; NULL: nothing yet, or it died. Borrowed until the loop turns. */
const struct zygote_layers *zygote_layers(const struct zygote *z);

/* Orders a fork; grants are copied, and empty unless the zygote is for them. The zygote takes the fds
 * (ZYGOTE_FD_COUNT, and at ZYGOTE_FD_CGROUP -1 or the folder of a cgroup) in any case and closes this
 * process's copies. 0, or a negative errno: then `exited` is never called. -EPERM: the seal does not hold
 * (seal_policy.h). is_spare: nobody waits for it yet. */
__attribute__((warn_unused_result)) int zygote_fork(struct zygote *z, struct zygote_child *child,
                                                    const int fds[ZYGOTE_FDS_MAX],
                                                    const struct seal_limits *limits,
                                                    const struct grants *grants, bool is_spare);
/* SIGKILL. `exited` follows. */
void zygote_kill(struct zygote *z, struct zygote_child *child);

/* The pid of the zygote process; 0 while there is none. */
int zygote_pid(const struct zygote *z);

/* It died at each of the first tries, before it knew its layers, and is not started again. */
bool zygote_has_given_up(const struct zygote *z);

/* SIGKILL for the zygote: each child is told that it is lost, soon. For who cannot wait until its health
 * tells. */
void zygote_end(struct zygote *z);

/* Ends the zygote and all its workers; asynchronous: freed in a later turn. All children are gone already, or
 * their `exited` is never called. */
void zygote_close(struct zygote *z);

/* Where hark-worker is: $HARK_WORKER (for tests), else ../libexec/hark/hark-worker from this executable's
 * folder. Caller frees. NULL: out of memory. */
char *zygote_program(void);
/* Names of the layers of these bits as hark-worker reads them: "landlock,mdwe", or "-". Caller frees. NULL:
 * out of memory. */
char *zygote_list_layers(uint32_t layers);

#endif

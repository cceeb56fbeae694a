/* runtime.h: hark as a whole: a folder of functions, served. What `hark run` and `hark dev` start.
 *
 * On the loop thread. */
#ifndef HARK_DISPATCHER_RUNTIME_H
#define HARK_DISPATCHER_RUNTIME_H

#include "dispatcher/broker.h"
#include "dispatcher/observer.h"
#include "dispatcher/zygote.h"

/* Strings are copied. */
struct runtime_options {
    const char *manifests; /* folder of *.yaml */
    const char *functions; /* second place for handlers; NULL: none */
    const char *node;
    const char *state;                             /* folder */
    uint64_t dead_letters_max, dead_letters_bytes; /* that are kept in it; 0: none */
    const struct broker_options *brokers;          /* the first is what manifests call `default` */
    size_t broker_count;                           /* at least 1 */
    bool one_for_all;                              /* the first is whatever broker a manifest names */
    struct cgroups *cgroups;                       /* outlive the runtime; NULL: none */
    /* Once: all functions that the folder had are subscribed, or refused. */
    void (*ready)(void *user);
    /* Another hark has this node's name at a broker, and was there before: the caller says so and drains.
     * Once a broker. */
    void (*occupied)(void *user, const char *text);
    void *user;
    const struct observer *observer; /* NULL: none */
    void *observer_user;
};

struct runtime;

/* Starts to watch, deploy and connect. NULL and *diag on failure; *ret_exit_code is the process's exit code
 * for it: 65 folder missing, TLS files wrong, 70, 77 not permitted. The zygote stays the caller's. */
struct runtime *runtime_create(uv_loop_t *loop, struct zygote *z, const struct runtime_options *options,
                               struct diag *diag, int *ret_exit_code);

/* What runtime_create asks of each folder, for who has something to do before: 0, or a negative errno, *diag
 * and *ret_exit_code as there. */
__attribute__((warn_unused_result)) int runtime_check_folder(const char *path, struct diag *diag,
                                                             int *ret_exit_code);

/* SIGTERM: takes no new work, finishes what runs for at most grace_ns, acknowledges it, disconnects (sessions
 * stay at the broker), ends the workers, then calls done(user) and frees itself. A second call ends at once:
 * done comes soon. */
void runtime_drain(struct runtime *r, uint64_t grace_ns, void (*done)(void *user), void *user);

/* While it drains: the time for it is over, and workers that are left cannot have been killed. */
void runtime_end_workers(struct runtime *r);

#endif

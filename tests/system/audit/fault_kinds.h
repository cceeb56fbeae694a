/* fault_kinds.h: the table of faults, and what each does. The main thread's. */
#ifndef TESTS_SYSTEM_AUDIT_FAULT_KINDS_H
#define TESTS_SYSTEM_AUDIT_FAULT_KINDS_H

#include "audit/world.h"

#include <sys/types.h>

/* What a fault needs for itself while it lasts. */
enum fault_needs {
    NEEDS_HARK = 1,
    NEEDS_NETWORK = 2,
    NEEDS_BROKER = 4,
    NEEDS_FILES = 8,
    NEEDS_STATE = 16,
    NEEDS_WORKER = 32,
    NEEDS_ALL = 63
};

struct fault {
    const struct fault_kind *kind;
    uint64_t begin_ns, end_ns;
    size_t stream; /* of those that meet one function */
    pid_t pid;     /* whom it has stopped */
};

struct fault_kind {
    const char *name;
    unsigned needs;
    unsigned min_ms, max_ms; /* how long it lasts; 0: done when begin returns */
    unsigned weight;
    bool holds; /* messages under way wait for its end: see ledger.h */
    /* False: there was nothing to do it to. */
    bool (*begin)(struct world *w, struct fault *f);
    void (*end)(struct world *w, struct fault *f);
};

extern const struct fault_kind fault_kinds[];
extern const size_t fault_kind_count;

/* fault_processes.c */
bool begin_hark_kill(struct world *w, struct fault *f);
bool begin_hark_stop(struct world *w, struct fault *f);
void end_hark_away(struct world *w, struct fault *f);
bool begin_hark_freeze(struct world *w, struct fault *f);
bool begin_worker_kill(struct world *w, struct fault *f);
bool begin_worker_freeze(struct world *w, struct fault *f);
void end_freeze(struct world *w, struct fault *f);
bool begin_zygote_kill(struct world *w, struct fault *f);
bool begin_zygote_freeze(struct world *w, struct fault *f);
bool begin_burst(struct world *w, struct fault *f);

/* fault_network.c */
bool begin_cut(struct world *w, struct fault *f);
bool begin_stall(struct world *w, struct fault *f);
void end_stall(struct world *w, struct fault *f);
bool begin_half_open(struct world *w, struct fault *f);
bool begin_abandon(struct world *w, struct fault *f);
bool begin_broker_stop(struct world *w, struct fault *f);
void end_broker_stop(struct world *w, struct fault *f);

/* fault_files.c */
bool begin_redeploy(struct world *w, struct fault *f);
bool begin_new_manifest(struct world *w, struct fault *f);
bool begin_bad_handler(struct world *w, struct fault *f);
void end_bad_handler(struct world *w, struct fault *f);
bool begin_bad_manifest(struct world *w, struct fault *f);
void end_bad_manifest(struct world *w, struct fault *f);
bool begin_rename(struct world *w, struct fault *f);
bool begin_undeploy(struct world *w, struct fault *f);
bool begin_disk_full(struct world *w, struct fault *f);
void end_disk_full(struct world *w, struct fault *f);

#endif

/* layers.h: the layers of the seal around a function, by name, and what this machine makes of each.
 *
 * The zygote finds out at its start and reports it; the dispatcher decides (a mandatory layer that is missing
 * stops hark unless --insecure names it) and `hark doctor` shows it. Pure. */
#ifndef HARK_SHARED_LAYERS_H
#define HARK_SHARED_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

enum layer {
    LAYER_UID,      /* zygote and workers are not uid 0 */
    LAYER_USERNS,   /* user namespace of the zygote; every other namespace needs it when hark is not root */
    LAYER_PIDNS,    /* one process table for all workers, with nothing of the machine in it */
    LAYER_ROOT,     /* mount namespace with an empty, read-only root by pivot_root(2) */
    LAYER_NETNS,    /* network namespace without interfaces */
    LAYER_IPCNS,    /* IPC and UTS namespaces */
    LAYER_LIMITS,   /* resource limits, setrlimit(2): memory, processes, files, core, file size, CPU */
    LAYER_CAPS,     /* no capability in any set, bounding set empty */
    LAYER_NNP,      /* no_new_privs, prctl(2) */
    LAYER_MDWE,     /* memory that is written is never executed, PR_SET_MDWE (Linux 6.3) */
    LAYER_LANDLOCK, /* landlock(7): all handled, nothing granted, scoped (ABI 6) */
    LAYER_SECCOMP,  /* system call allow-list, seccomp(2) */
    LAYER_COUNT
};

enum layer_status {
    LAYER_ENFORCED,
    LAYER_DEGRADED, /* part of it: see `detail` */
    LAYER_MISSING,
    LAYER_WAIVED /* --insecure=LAYER: not applied although it could be */
};

struct layer_state {
    uint32_t status; /* enum layer_status */
    int32_t error;   /* positive errno of what failed; 0: none */
    uint32_t detail; /* LANDLOCK: the kernel's ABI; else 0 */
};

/* "uid", "user-namespace", "pid-namespace", "root", "network-namespace", "ipc-namespace", "limits",
 * "capabilities", "no-new-privs", "mdwe", "landlock", "seccomp": the words of --insecure and doctor. */
const char *layer_name(enum layer layer);
/* The layer of that name, or -1. */
int layer_find(const char *name);
/* Without it functions are not run: uid, limits, no-new-privs, seccomp; landlock where `root` is missing. */
bool layer_is_mandatory(enum layer layer, const struct layer_state states[LAYER_COUNT]);
/* What is lost without it, and what to do, in words: for doctor and the start's complaint. */
const char *layer_meaning(enum layer layer);
const char *layer_remedy(enum layer layer);

#endif

#include "shared/layers.h"

#include <string.h>

static const struct {
    const char *name;
    const char *meaning; /* completes "without it …" */
    const char *remedy;
} layers[LAYER_COUNT] = {
    [LAYER_UID] = {"uid", "functions run as root, and a hole in any other layer gives them the machine",
                   "start hark as an ordinary user, or give it one with --user"},
    [LAYER_USERNS] = {"user-namespace",
                      "an ordinary user gets no other namespace, and functions share one count of processes",
                      "sysctl user.max_user_namespaces=15000; on Debian and Ubuntu also "
                      "kernel.unprivileged_userns_clone=1 and "
                      "kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile "
                      "that allows unshare"},
    [LAYER_PIDNS] = {"pid-namespace", "functions are in one process table with the rest of the machine",
                     "see user-namespace"},
    [LAYER_ROOT] = {"root", "only landlock keeps functions from the files of the machine",
                    "see user-namespace; in a container, allow mount and pivot_root"},
    [LAYER_NETNS] = {"network-namespace", "only the system call filter keeps functions from the network",
                     "see user-namespace"},
    [LAYER_IPCNS] = {"ipc-namespace",
                     "only the system call filter keeps functions from System V IPC and message queues",
                     "see user-namespace"},
    [LAYER_LIMITS] = {"limits", "one function can take all memory, processes and CPU of the machine",
                      "raise the hard limits that hark is started with: ulimit -H -a shows them"},
    [LAYER_CAPS] = {"capabilities", "what runs as a function could regain capabilities by an exec",
                    "see user-namespace: emptying the bounding set takes CAP_SETPCAP there"},
    [LAYER_NNP] = {"no-new-privs", "a setuid program could give a function other rights",
                   "Linux 3.5 or later"},
    [LAYER_MDWE] = {"mdwe", "only the system call filter keeps functions from running what they wrote",
                    "Linux 6.3 or later"},
    [LAYER_LANDLOCK] = {"landlock",
                        "only the empty root and the system call filter keep functions from files",
                        "Linux 6.12 for all of it, 5.13 for files, with landlock in the boot parameter lsm="},
    [LAYER_SECCOMP] = {"seccomp", "functions reach every system call, and every bug behind them",
                       "a kernel with CONFIG_SECCOMP_FILTER, on x86-64 or arm64"},
};

const char *layer_name(enum layer layer)
{
    return layers[layer].name;
}

int layer_find(const char *name)
{
    for (int i = 0; i < LAYER_COUNT; i++)
        if (strcmp(layers[i].name, name) == 0)
            return i;
    return -1;
}

bool layer_is_mandatory(enum layer layer, const struct layer_state states[LAYER_COUNT])
{
    switch (layer) {
    case LAYER_UID:
    case LAYER_LIMITS:
    case LAYER_NNP:
    case LAYER_SECCOMP:
        return true;
    case LAYER_LANDLOCK:
        return states[LAYER_ROOT].status == LAYER_MISSING || states[LAYER_ROOT].status == LAYER_WAIVED;
    default:
        return false;
    }
}

const char *layer_meaning(enum layer layer)
{
    return layers[layer].meaning;
}

const char *layer_remedy(enum layer layer)
{
    return layers[layer].remedy;
}

#include "worker/seal.h"

#include "shared/sanitized.h"
#include "worker/capabilities.h"
#include "worker/filter.h"
#include "worker/filter_internal.h"
#include "worker/landlock.h"
#include "worker/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 }; /* PR_SET_MDWE, newer than the headers of some machines */

/* By workers, from the zygote. Of the filter that is the larger part. */
static bool is_inherited[LAYER_COUNT];

/* A layer: 0 with *ret_state filled in, or a negative errno. */

static int apply_limits(const struct seal_terms *terms, struct layer_state *ret_state, struct diag *why)
{
    (void)why;
    ret_state->status = SANITIZED ? LAYER_DEGRADED : LAYER_ENFORCED;
    return limits_apply(terms->limits);
}

static int apply_capabilities(const struct seal_terms *terms, struct layer_state *ret_state, struct diag *why)
{
    (void)terms, (void)why;
    bool emptied;
    int error = capabilities_drop(&emptied);
    if (!error && !emptied)
        *ret_state = (struct layer_state){.status = LAYER_DEGRADED, .error = EPERM};
    return error;
}

static int apply_no_new_privs(const struct seal_terms *terms, struct layer_state *ret_state, struct diag *why)
{
    (void)terms, (void)ret_state, (void)why;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int apply_mdwe(const struct seal_terms *terms, struct layer_state *ret_state, struct diag *why)
{
    (void)terms, (void)why;
    if (SANITIZED) {
        ret_state->status = LAYER_DEGRADED;
        return 0;
    }
    return prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) < 0 ? -errno : 0;
}

/* Below ABI 6 nothing is scoped: signals and abstract sockets are left to the filter and the namespaces. */
static int apply_landlock(const struct seal_terms *terms, struct layer_state *ret_state, struct diag *why)
{
    if (terms->ruleset >= 0)
        return landlock_enter(terms->ruleset);
    int error = landlock_deny_all_but(terms->grants, &ret_state->detail, why);
    if (!error && ret_state->detail < LANDLOCK_SCOPED_ABI)
        ret_state->status = LAYER_DEGRADED;
    return error;
}

static unsigned filter_kind(const struct seal_terms *terms)
{
    unsigned kind = limits_threads(terms->limits) > 1 ? FILTER_THREADS : 0;
    if (grants_have(terms->grants, GRANT_READ))
        kind |= FILTER_READ;
    if (grants_have(terms->grants, GRANT_WRITE))
        kind |= FILTER_READ | FILTER_WRITE;
    if (grants_have(terms->grants, GRANT_UNIX))
        kind |= FILTER_UNIX;
    return terms->grants->port_count ? kind | FILTER_TCP : kind;
}

static int apply_filter(const struct seal_terms *terms, struct layer_state *ret_state, struct diag *why)
{
    (void)why;
    if (SANITIZED) {
        ret_state->status = LAYER_DEGRADED;
        return 0;
    }
    unsigned kind = filter_kind(terms);
    return is_inherited[LAYER_SECCOMP] ? filter_install_rest(kind) : filter_install(kind);
}

/* In order: limits while there are rights to set them and capabilities before no_new_privs would spoil them;
 * the filter last, for it forbids all the others. */
static const struct {
    enum layer layer;
    int (*apply)(const struct seal_terms *terms, struct layer_state *ret_state, struct diag *why);
} steps[] = {
    {LAYER_LIMITS, apply_limits}, {LAYER_CAPS, apply_capabilities}, {LAYER_NNP, apply_no_new_privs},
    {LAYER_MDWE, apply_mdwe},     {LAYER_LANDLOCK, apply_landlock}, {LAYER_SECCOMP, apply_filter},
};

enum { STEPS = sizeof steps / sizeof *steps };

/* The child has the zygote's descriptors still, and landlock takes one. */
static const struct seal_terms PROBE_TERMS = {&(const struct seal_limits){.threads = 1, .files = 64},
                                              &(const struct grants){.path_count = 0}, -1};

static void try_all(struct layer_state states[LAYER_COUNT])
{
    for (int i = 0; i < STEPS; i++) {
        struct layer_state *state = &states[steps[i].layer];
        if (state->status == LAYER_WAIVED)
            continue;
        struct layer_state found = {.status = LAYER_ENFORCED};
        struct diag ignored;
        int error = steps[i].apply(&PROBE_TERMS, &found, &ignored);
        *state = error ? (struct layer_state){.status = LAYER_MISSING, .error = -error} : found;
    }
}

static void mark_missing(struct layer_state states[LAYER_COUNT], int error)
{
    for (int i = 0; i < STEPS; i++)
        if (states[steps[i].layer].status != LAYER_WAIVED)
            states[steps[i].layer] = (struct layer_state){.status = LAYER_MISSING, .error = error};
}

/* The child cannot undo what it tries; it leaves its findings in a page that both see. A step that kills it
 * counts as missing, and so do those behind. */
void seal_probe(struct layer_state states[LAYER_COUNT])
{
    size_t bytes = sizeof *states * LAYER_COUNT;
    mark_missing(states, EIO);
    struct layer_state *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        mark_missing(states, errno);
        return;
    }
    memcpy(shared, states, bytes);
    pid_t pid = fork();
    if (pid == 0) {
        try_all(shared);
        _exit(EXIT_SUCCESS);
    }
    if (pid < 0)
        mark_missing(shared, errno);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    memcpy(states, shared, bytes);
    munmap(shared, bytes);
}

static int refuse(struct diag *why, enum layer layer, int error, const char *what)
{
    diag_set(why, NULL, 0, 0, "cannot seal the worker: %s: %s", layer_name(layer),
             what ? what : strerror(-error));
    return error;
}

static int check_mandatory(const struct layer_state states[LAYER_COUNT], struct diag *why)
{
    for (int i = 0; i < LAYER_COUNT; i++)
        if (states[i].status == LAYER_MISSING && layer_is_mandatory((enum layer)i, states))
            return refuse(why, (enum layer)i, -EPERM, "this machine cannot enforce it; see `hark doctor`");
    return 0;
}

static bool applies(const struct layer_state states[LAYER_COUNT], enum layer layer)
{
    return states[layer].status == LAYER_ENFORCED || states[layer].status == LAYER_DEGRADED;
}

/* Threads are counted per user namespace: without one of its own the worker would count everybody's. */
static int count_threads_alone(const struct layer_state states[LAYER_COUNT], const struct seal_limits *limits,
                               struct diag *why)
{
    if (limits_threads(limits) == 1 || !applies(states, LAYER_LIMITS))
        return 0;
    if (!applies(states, LAYER_USERNS))
        return refuse(why, LAYER_LIMITS, -EPERM,
                      "`limits.threads` above 1 cannot be enforced without user namespaces");
    int error = capabilities_enter_user_namespace();
    (void)prctl(PR_SET_DUMPABLE, 0); /* again: it brings the machine's default. Cannot fail */
    is_inherited[LAYER_CAPS] = false;
    return error ? refuse(why, LAYER_USERNS, error, NULL) : 0;
}

/* Not landlock: workers that share what it calls a domain may signal each other and the zygote. */
static const enum layer heritage[] = {LAYER_CAPS, LAYER_NNP, LAYER_MDWE};

static int bequeath(const struct layer_state states[LAYER_COUNT], struct diag *why)
{
    for (size_t i = 0; i < sizeof heritage / sizeof *heritage; i++)
        for (int j = 0; j < STEPS; j++) {
            struct layer_state ignored;
            if (steps[j].layer != heritage[i] || !applies(states, heritage[i]))
                continue;
            int error = steps[j].apply(&PROBE_TERMS, &ignored, why);
            if (error)
                return refuse(why, heritage[i], error, NULL);
            is_inherited[heritage[i]] = true;
        }
    return 0;
}

static int bequeath_filter(const struct layer_state states[LAYER_COUNT], struct diag *why)
{
    if (SANITIZED || !applies(states, LAYER_SECCOMP))
        return 0;
    is_inherited[LAYER_SECCOMP] = true;
    int error = filter_install_common();
    return error ? refuse(why, LAYER_SECCOMP, error, NULL) : 0;
}

int seal_prepare(const struct layer_state states[LAYER_COUNT], struct diag *why)
{
    int error = applies(states, LAYER_LIMITS) ? limits_apply_common() : 0;
    return error ? refuse(why, LAYER_LIMITS, error, NULL) : 0;
}

int seal_prepare_plain(const struct layer_state states[LAYER_COUNT], int *ret_ruleset, struct diag *why)
{
    int error = bequeath(states, why);
    *ret_ruleset = -1;
    if (!error && applies(states, LAYER_LANDLOCK) && (*ret_ruleset = landlock_create(SEAL_LOW_FD)) < 0)
        error = refuse(why, LAYER_LANDLOCK, *ret_ruleset, NULL);
    return error ? error : bequeath_filter(states, why);
}

int seal_apply(const struct layer_state states[LAYER_COUNT], const struct seal_terms *terms, struct diag *why)
{
    why->text[0] = '\0';
    int error = check_mandatory(states, why);
    if (!error)
        error = count_threads_alone(states, terms->limits, why);
    for (int i = 0; !error && i < STEPS; i++) {
        struct layer_state ignored = {0};
        enum layer layer = steps[i].layer;
        if (!applies(states, layer) || (is_inherited[layer] && layer != LAYER_SECCOMP))
            continue;
        error = steps[i].apply(terms, &ignored, why);
        if (error && !*why->text)
            refuse(why, layer, error, NULL);
    }
    return error;
}

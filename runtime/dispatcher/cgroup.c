#include "dispatcher/cgroup.h"

#include "dispatcher/cgroup_limits.h"
#include "dispatcher/cgroup_tree.h"
#include "manifest/units.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
    WEIGHT = 1000,   /* of what must not wait for functions; theirs is 100, the kernel's default */
    CLEAR_MS = 1000, /* patience with what was killed */
    SWEEP_MS = 2,    /* the first look whether a cgroup is empty; doubles */
    SWEEP_MAX_MS = 1000
};

/* The cgroup of a function. */
struct group {
    TAILQ_ENTRY(group) link;
    uint64_t id;                       /* another one each time that it comes to life */
    char name[MANIFEST_NAME_MAX + 16]; /* of its folder */
    int folder;
    TAILQ_HEAD(, cgroup_share) shares; /* none: it is to be removed */
    struct cgroup_limits limits;
    uint64_t ooms; /* that were told */
};

struct cgroups {
    struct cgroup_report report;
    struct cgroup_place place;
    int base, functions; /* folders; -1: none */
    int zygote_procs;
    bool has_user;
    struct cgroup_user user;
    TAILQ_HEAD(, group) groups;
    uint64_t last_id;
    uv_timer_t sweep;
    uint64_t sweep_ms;
    bool stopped;
};

struct cgroup_share {
    TAILQ_ENTRY(cgroup_share) link; /* while it has a group */
    struct cgroups *cgroups;
    struct group *group;
    struct cgroup_limits limits;
    bool joined;
};

/* ---- hark's own ---- */

const char *cgroup_status_name(enum cgroup_status status)
{
    static const char *const names[] = {"enforced", "degraded", "absent"};
    return names[status];
}

static void report_absent(struct cgroups *cs, const char *remedy, const char *why)
{
    cs->report = (struct cgroup_report){.status = CGROUP_ABSENT, .remedy = remedy};
    snprintf(cs->report.text, sizeof cs->report.text, "%s", why);
}

static void report_present(struct cgroups *cs, unsigned controllers)
{
    struct cgroup_report *r = &cs->report;
    char names[CGROUP_NAMES_MAX], missing[CGROUP_NAMES_MAX];
    bool is_whole = controllers == CGROUP_ALL;
    *r = (struct cgroup_report){.status = is_whole ? CGROUP_ENFORCED : CGROUP_DEGRADED,
                                .controllers = controllers,
                                .remedy = is_whole ? "" : cgroup_remedy};
    snprintf(r->text, sizeof r->text, "%.*s: %s%s%s", PATH_MAX, cs->place.folder,
             cgroup_names(controllers, names), is_whole ? "" : "; not ",
             cgroup_names(CGROUP_ALL & ~controllers, missing));
}

static int give_to_user(const struct cgroups *cs, int folder)
{
    if (!cs->has_user)
        return 0;
    return fchownat(folder, "cgroup.procs", cs->user.uid, cs->user.gid, 0) < 0 ? -errno : 0;
}

/* No process may be in a cgroup whose children have controllers: hark moves to a child first. */
static int make_own(struct cgroups *cs)
{
    int own = cgroup_make(cs->base, "hark");
    int error = own < 0 ? own : cgroup_put(own, "cgroup.procs", "0");
    if (!error && (cgroup_enable(cs->base, cs->place.controllers) & CGROUP_CPU))
        error = cgroup_put_number(own, "cpu.weight", WEIGHT);
    if (own >= 0)
        close(own);
    return error;
}

static int make_zygotes(struct cgroups *cs, unsigned controllers)
{
    int folder = cgroup_make(cs->functions, "zygote");
    int error = folder < 0 ? folder : 0;
    if (!error && (controllers & CGROUP_CPU))
        error = cgroup_put_number(folder, "cpu.weight", WEIGHT);
    if (!error)
        error = cgroup_try_birth(folder);
    if (!error)
        cs->zygote_procs = openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (!error && cs->zygote_procs < 0)
        error = -errno;
    if (folder >= 0)
        close(folder);
    return error;
}

static int make_functions(struct cgroups *cs, unsigned *ret_controllers)
{
    int error = cgroup_tree_clear(cs->base, "functions", CLEAR_MS); /* of a hark that was killed */
    if (error)
        return error;
    cs->functions = cgroup_make(cs->base, "functions");
    if (cs->functions < 0)
        return cs->functions;
    error = give_to_user(cs, cs->functions);
    *ret_controllers = cgroup_enable(cs->functions, cs->place.controllers);
    return error ? error : make_zygotes(cs, *ret_controllers);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Leaves everything as it was found. */
static void give_back(struct cgroups *cs)
{
    close_fd(&cs->zygote_procs);
    close_fd(&cs->functions);
    if (cs->base < 0)
        return;
    if (cgroup_tree_clear(cs->base, "functions", CLEAR_MS))
        log_warn("%s/functions is not empty yet: it stays", cs->place.folder);
    cgroup_disable(cs->base, cs->place.controllers);
    if (cgroup_put(cs->base, "cgroup.procs", "0") == 0)
        (void)!unlinkat(cs->base, "hark", AT_REMOVEDIR);
    close_fd(&cs->base);
}

static int make_tree(struct cgroups *cs, unsigned *ret_controllers)
{
    cs->base = open(cs->place.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cs->base < 0)
        return -errno;
    int error = make_own(cs);
    return error ? error : make_functions(cs, ret_controllers);
}

static void take_place(struct cgroups *cs)
{
    char why[CGROUP_TEXT_MAX];
    unsigned controllers = 0;
    if (!cgroup_place_find("/proc/self", getpid(), &cs->place)) {
        report_absent(cs, cs->place.remedy, cs->place.why);
        return;
    }
    int error = make_tree(cs, &controllers);
    if (!error && controllers) {
        report_present(cs, controllers);
        return;
    }
    give_back(cs);
    snprintf(why, sizeof why, "%.*s cannot be divided: %s", PATH_MAX, cs->place.folder,
             error == -ENOSYS || error == -EINVAL ? "that takes clone3(2) of Linux 5.7 or later"
             : error                              ? strerror(-error)
                                                  : "no controller can be had");
    report_absent(cs, cgroup_remedy, why);
}

struct cgroups *cgroups_open(uv_loop_t *loop, const struct cgroup_user *user)
{
    struct cgroups *cs = must_alloc(sizeof *cs);
    *cs = (struct cgroups){.base = -1, .functions = -1, .zygote_procs = -1, .has_user = user != NULL};
    if (user)
        cs->user = *user;
    TAILQ_INIT(&cs->groups);
    uv_timer_init(loop, &cs->sweep);
    uv_unref((uv_handle_t *)&cs->sweep); /* it is no reason to go on */
    cs->sweep.data = cs;
    take_place(cs);
    return cs;
}

const struct cgroup_report *cgroups_report(const struct cgroups *cs)
{
    return &cs->report;
}

int cgroups_zygote_procs(const struct cgroups *cs)
{
    return cs->zygote_procs;
}

/* ---- the cgroup of a function ---- */

static void destroy(struct cgroups *cs, struct group *g)
{
    struct cgroup_share *share;
    TAILQ_FOREACH (share, &g->shares, link)
        share->group = NULL;
    TAILQ_REMOVE(&cs->groups, g, link);
    close(g->folder);
    free(g);
}

static void put_limit(const struct cgroups *cs, const struct group *g, unsigned controller, const char *name,
                      const char *value)
{
    int error = cs->report.controllers & controller ? cgroup_put(g->folder, name, value) : 0;
    bool is_without_swap = error == -ENOENT && strcmp(name, "memory.swap.max") == 0;
    if (error && !is_without_swap)
        log_warn("%s/functions/%s/%s: cannot write %s: %s", cs->place.folder, g->name, name, value,
                 strerror(-error));
}

static void put_limits(const struct cgroups *cs, struct group *g)
{
    char memory[CGROUP_VALUE_MAX], pids[CGROUP_VALUE_MAX], cpu[CGROUP_VALUE_MAX];
    const struct cgroup_share *share;
    struct cgroup_limits sum = {0};
    TAILQ_FOREACH (share, &g->shares, link)
        cgroup_limits_add(&sum, &share->limits, share == TAILQ_FIRST(&g->shares));
    g->limits = sum;
    snprintf(memory, sizeof memory, "%llu", (unsigned long long)sum.memory_bytes);
    snprintf(pids, sizeof pids, "%llu", (unsigned long long)sum.pids);
    put_limit(cs, g, CGROUP_MEMORY, "memory.max", memory);
    put_limit(cs, g, CGROUP_PIDS, "pids.max", pids);
    put_limit(cs, g, CGROUP_CPU, "cpu.max", cgroup_cpu_max(sum.cpu_percent, cpu));
}

static uint64_t count_ooms(const struct group *g)
{
    char events[512];
    return cgroup_read(g->folder, "memory.events", events, sizeof events)
               ? cgroup_parse_count(events, "oom_kill")
               : 0;
}

static struct group *find(const struct cgroups *cs, const char *name)
{
    struct group *g;
    TAILQ_FOREACH (g, &cs->groups, link) {
        if (strcmp(g->name, name) == 0)
            return g;
    }
    return NULL;
}

static int make_group(struct cgroups *cs, const char *name, struct group **ret_group)
{
    struct group *g = calloc(1, sizeof *g);
    int error = g ? 0 : -ENOMEM;
    if (!error && (g->folder = cgroup_make(cs->functions, name)) < 0)
        error = g->folder;
    if (!error && (error = give_to_user(cs, g->folder)) < 0)
        close(g->folder);
    if (error) {
        free(g);
        return error;
    }
    snprintf(g->name, sizeof g->name, "%s", name);
    TAILQ_INIT(&g->shares);
    TAILQ_INSERT_TAIL(&cs->groups, g, link);
    put_limit(cs, g, CGROUP_MEMORY, "memory.swap.max", "0"); /* what is over must not slow the machine down */
    put_limit(cs, g, CGROUP_MEMORY, "memory.oom.group", "0"); /* one worker pays, not all */
    g->ooms = count_ooms(g);
    *ret_group = g;
    return 0;
}

/* One that was about to go may still be there: it stays. */
static int get_group(struct cgroups *cs, const char *function, struct group **ret_group)
{
    char name[sizeof(*ret_group)->name];
    snprintf(name, sizeof name, "function-%s", function);
    *ret_group = find(cs, name);
    int error = *ret_group ? 0 : make_group(cs, name, ret_group);
    if (error || !TAILQ_EMPTY(&(*ret_group)->shares))
        return error;
    (*ret_group)->id = ++cs->last_id;
    cgroup_bar((*ret_group)->folder, false);
    return 0;
}

/* ---- the end of one ---- */

/* What is left in it are spares, and they die at once; but the kernel needs a moment. */
static bool try_remove(struct cgroups *cs, struct group *g)
{
    cgroup_kill_all(g->folder);
    if (unlinkat(cs->functions, g->name, AT_REMOVEDIR) < 0 && errno == EBUSY)
        return false;
    destroy(cs, g);
    return true;
}

static void on_sweep(uv_timer_t *timer)
{
    struct cgroups *cs = timer->data;
    struct group *g, *next;
    bool all_gone = true;
    for (g = TAILQ_FIRST(&cs->groups); g; g = next) {
        next = TAILQ_NEXT(g, link);
        if (TAILQ_EMPTY(&g->shares))
            all_gone &= try_remove(cs, g);
    }
    if (all_gone)
        return;
    cs->sweep_ms = cs->sweep_ms * 2 < SWEEP_MAX_MS ? cs->sweep_ms * 2 : SWEEP_MAX_MS;
    uv_timer_start(timer, on_sweep, cs->sweep_ms, 0);
}

static void leave(struct cgroups *cs, struct group *g)
{
    cgroup_bar(g->folder, true);
    if (try_remove(cs, g) || cs->stopped)
        return;
    cs->sweep_ms = SWEEP_MS;
    uv_timer_start(&cs->sweep, on_sweep, SWEEP_MS, 0);
}

void cgroups_stop(struct cgroups *cs)
{
    cs->stopped = true;
    uv_close((uv_handle_t *)&cs->sweep, NULL);
}

void cgroups_close(struct cgroups *cs)
{
    struct group *g;
    while ((g = TAILQ_FIRST(&cs->groups)))
        destroy(cs, g);
    give_back(cs);
    free(cs);
}

/* ---- shares ---- */

struct cgroup_share *cgroup_share_create(void)
{
    return calloc(1, sizeof(struct cgroup_share));
}

static void say_if_quota_is_lost(const struct cgroups *cs, const struct manifest *m)
{
    const struct cgroup_report *r = cs ? &cs->report : NULL;
    if (m->limit_cpu_percent && r && !(r->controllers & CGROUP_CPU))
        log_warn(
            "function=%s limits.cpu_quota has no effect: there is no cgroup with the controller cpu: %s: %s",
            m->function, r->text, r->remedy);
}

int cgroup_share_join(struct cgroup_share *share, struct cgroups *cs, const struct manifest *m,
                      struct diag *diag)
{
    if (share->joined)
        return 0;
    if (cs && cs->functions >= 0) {
        struct group *g;
        int error = get_group(cs, m->function, &g);
        if (error) {
            diag_set(diag, NULL, 0, 0, "cannot make the cgroup %s/functions/function-%s: %s",
                     cs->place.folder, m->function, strerror(-error));
            return error;
        }
        *share = (struct cgroup_share){.cgroups = cs, .group = g, .limits = cgroup_limits_of(m)};
        TAILQ_INSERT_TAIL(&g->shares, share, link);
        put_limits(cs, g);
    }
    share->joined = true;
    say_if_quota_is_lost(cs, m);
    return 0;
}

uint64_t cgroup_share_id(const struct cgroup_share *share)
{
    return share->group ? share->group->id : 0;
}

static const struct group *find_alive(const struct cgroups *cs, uint64_t id)
{
    const struct group *g;
    TAILQ_FOREACH (g, &cs->groups, link) {
        if (g->id == id && !TAILQ_EMPTY(&g->shares))
            return g;
    }
    return NULL;
}

bool cgroups_have(const struct cgroups *cs, uint64_t id)
{
    return id == 0 || find_alive(cs, id);
}

int cgroups_dup_folder(const struct cgroups *cs, uint64_t id, int *ret_folder)
{
    *ret_folder = -1;
    if (id == 0)
        return 0;
    const struct group *g = find_alive(cs, id);
    if (!g)
        return -ENODEV;
    int folder = fcntl(g->folder, F_DUPFD_CLOEXEC, 0);
    if (folder < 0)
        return -errno;
    *ret_folder = folder;
    return 0;
}

bool cgroup_share_take_oom(struct cgroup_share *share, const struct manifest *m, char *text, size_t size)
{
    struct group *g = share->group;
    char each[UNITS_TEXT_MAX], all[UNITS_TEXT_MAX];
    if (!g || count_ooms(g) <= g->ooms)
        return false;
    g->ooms++;
    snprintf(text, size, "out of memory (limits.memory %s; all workers of the function may have %s together)",
             units_format_size(m->limit_memory_bytes, each), units_format_size(g->limits.memory_bytes, all));
    return true;
}

void cgroup_share_drop(struct cgroup_share *share)
{
    struct group *g = share ? share->group : NULL;
    if (g) {
        TAILQ_REMOVE(&g->shares, share, link);
        if (TAILQ_EMPTY(&g->shares))
            leave(share->cgroups, g);
        else
            put_limits(share->cgroups, g);
    }
    free(share);
}

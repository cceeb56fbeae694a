#include "dispatcher/deploy_internal.h"

#include "shared/clock.h"
#include "shared/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Descriptors: its .so and its session. And what hark has open beside, with a few workers. */
enum { FILES_OF_FUNCTION = 2, FILES_OF_HARK = 40 };

/* ---- the folder ---- */

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

bool deployer_is_manifest_name(const char *name)
{
    if (name[0] == '.' || ends_in(name, ".test.yaml") || ends_in(name, ".test.yml") ||
        strcmp(name, "hark.yaml") == 0)
        return false;
    return ends_in(name, ".yaml") || ends_in(name, ".yml");
}

static int take_manifest(const struct dirent *entry)
{
    return deployer_is_manifest_name(entry->d_name);
}

/* Finds or inserts, in the order of paths. */
static struct source *source_of(struct deployer *d, const char *path)
{
    struct source *s;
    TAILQ_FOREACH (s, &d->sources, link) {
        int order = strcmp(s->path, path);
        if (order == 0)
            return s;
        if (order > 0)
            break;
    }
    struct source *fresh = source_create(d, path);
    if (fresh && s)
        TAILQ_INSERT_BEFORE(s, fresh, link);
    else if (fresh)
        TAILQ_INSERT_TAIL(&d->sources, fresh, link);
    return fresh;
}

static void watch_handler_folder(struct deployer *d, const struct source *s)
{
    const char *slash = s->handler_path ? strrchr(s->handler_path, '/') : NULL;
    if (!slash)
        return;
    char *folder = strndup(s->handler_path, (size_t)(slash - s->handler_path) + 1);
    int error = folder ? watch_folder(d->watch, folder) : -ENOMEM;
    if (error)
        log_debug("cannot watch %s: %s; it is looked at every few seconds", folder ? folder : "?",
                  strerror(-error));
    free(folder);
}

static void say_folder_trouble(struct deployer *d, int error)
{
    if (!d->folder_trouble)
        log_error("cannot read %s: %s; what runs keeps running", d->manifests, strerror(error));
    d->folder_trouble = true;
}

static void look_at(struct deployer *d, const char *name, enum source_settle settle)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", d->manifests, name) < 0)
        return;
    struct source *s = source_of(d, path);
    free(path);
    if (!s)
        return;
    s->present = true;
    source_look(s, settle);
    watch_handler_folder(d, s);
}

/* A manifest that is gone ends its function, but not before a new one that may carry it on has claimed it. */
static void forget_absent(struct deployer *d)
{
    struct source *s, *next;
    TAILQ_FOREACH (s, &d->sources, link) {
        if (source_may_claim(s))
            return;
    }
    for (s = TAILQ_FIRST(&d->sources); s; s = next) {
        next = TAILQ_NEXT(s, link);
        if (s->present)
            continue;
        if (s->function)
            source_leave(s, SOURCE_GRACE_NS);
        else
            source_destroy(s);
    }
}

/* Said before the first of them finds none left, and again when there are more manifests than then. */
static void say_few_files(struct deployer *d, size_t manifests)
{
    struct rlimit limit;
    size_t needed = FILES_OF_HARK + manifests * FILES_OF_FUNCTION;
    if (manifests <= d->few_files_said || getrlimit(RLIMIT_NOFILE, &limit) != 0 || needed <= limit.rlim_cur)
        return;
    d->few_files_said = manifests;
    log_error("%zu functions need some %zu open files, and the limit is %llu: not all of them will start; "
              "raise it (ulimit -Hn, LimitNOFILE= of a service)",
              manifests, needed, (unsigned long long)limit.rlim_cur);
}

static void scan(struct deployer *d, enum source_settle settle)
{
    struct dirent **entries;
    struct source *s;
    int count = scandir(d->manifests, &entries, take_manifest, alphasort);
    if (count < 0) {
        say_folder_trouble(d, errno);
        return;
    }
    d->folder_trouble = false;
    say_few_files(d, (size_t)count);
    TAILQ_FOREACH (s, &d->sources, link) {
        s->present = false;
    }
    d->advancing = true; /* nobody is judged absent before all are looked at */
    for (int i = 0; i < count; i++) {
        look_at(d, entries[i]->d_name, settle);
        free(entries[i]);
    }
    d->advancing = false;
    free(entries);
    d->scanned = true;
    deployer_advance(d);
}

/* A network file system sends no events, and its times may be those of another clock. */
static void on_changed(void *user, bool by_event)
{
    struct deployer *d = user;
    if (!d->draining)
        scan(d, !d->scanned ? SOURCE_AT_ONCE : by_event ? SOURCE_WHEN_STILL : SOURCE_WHEN_SAME);
}

/* ---- going on ---- */

struct source *deployer_owner(struct deployer *d, const char *function, const struct source *except)
{
    struct source *s;
    TAILQ_FOREACH (s, &d->sources, link) {
        bool runs = s->function && strcmp(function_name(s->function), function) == 0;
        bool claims = s->phase > SOURCE_LOADED && strcmp(stage_names(s->stage)->function, function) == 0;
        if (s != except && !s->is_behind && (runs || claims))
            return s;
    }
    return NULL;
}

void deployer_retry_twins(struct deployer *d)
{
    struct source *s;
    if (d->draining)
        return; /* nobody looks any more */
    TAILQ_FOREACH (s, &d->sources, link) {
        if (s->twin && s->phase == SOURCE_QUIET)
            s->has_tried = false;
    }
    watch_poke(d->watch);
}

/* Names are claimed in the order of paths, whichever file was read first. */
static void claim_names(struct deployer *d)
{
    struct source *s, *next;
    for (s = TAILQ_FIRST(&d->sources); s && s->phase != SOURCE_LOADING; s = next) {
        next = TAILQ_NEXT(s, link);
        if (s->phase == SOURCE_LOADED)
            (void)source_claim(s); /* not free yet: it asks again at the next advance */
    }
}

static void start_probes(struct deployer *d)
{
    struct source *s, *next;
    for (s = TAILQ_FIRST(&d->sources); s && d->probing < DEPLOY_PROBES_MAX; s = next) {
        next = TAILQ_NEXT(s, link);
        if (s->phase == SOURCE_WAITING)
            source_probe(s);
    }
}

static void say_ready(struct deployer *d)
{
    struct source *s;
    unsigned functions = 0;
    if (d->ready || !d->scanned)
        return;
    TAILQ_FOREACH (s, &d->sources, link) {
        if (s->is_behind)
            continue;
        if (s->phase != SOURCE_QUIET || (s->function && !function_is_settled(s->function)))
            return;
        functions += s->function && !function_is_refused(s->function);
    }
    d->ready = true;
    d->events->ready(d->user, functions);
}

/* ---- the end ---- */

static void destroy(uv_handle_t *handle)
{
    struct deployer *d = handle->data;
    struct source *s;
    while ((s = TAILQ_FIRST(&d->sources)))
        source_destroy(s);
    d->events->drained(d->user);
    free(d->manifests);
    free(d->functions);
    free(d);
}

static void on_idle(uv_idle_t *idle)
{
    uv_close((uv_handle_t *)idle, destroy);
}

static void end_when_empty(struct deployer *d)
{
    if (!d->draining || d->function_count || d->recording || d->ending)
        return;
    d->ending = true;
    uv_idle_start(&d->idle, on_idle);
}

void deployer_advance(struct deployer *d)
{
    if (d->advancing) {
        d->again = true;
        return;
    }
    d->advancing = true;
    do {
        d->again = false;
        if (d->draining)
            break;
        claim_names(d);
        records_write(d);
        start_probes(d);
        forget_absent(d);
        say_ready(d);
    } while (d->again);
    d->advancing = false;
    end_when_empty(d);
}

struct deployer *deployer_create(struct node *node, const char *manifests, const char *functions,
                                 const struct deployer_events *events, void *user)
{
    struct deployer *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->node = node;
    d->events = events;
    d->user = user;
    d->manifests = strdup(manifests);
    d->functions = functions ? strdup(functions) : NULL;
    d->watch = watch_create(node->loop, on_changed, d);
    if (!d->manifests || (functions && !d->functions) || !d->watch) {
        if (d->watch)
            watch_close(d->watch);
        free(d->manifests);
        free(d->functions);
        free(d);
        return NULL;
    }
    TAILQ_INIT(&d->sources);
    uv_idle_init(node->loop, &d->idle);
    d->idle.data = d;
    int error = watch_folder(d->watch, manifests);
    if (!error && functions)
        error = watch_folder(d->watch, functions);
    if (error)
        log_warn("cannot watch the folder: %s; it is looked at every few seconds", strerror(-error));
    watch_poke(d->watch);
    return d;
}

static void stop_looking(struct deployer *d)
{
    struct source *s;
    if (d->draining)
        return;
    d->draining = true;
    watch_close(d->watch);
    TAILQ_FOREACH (s, &d->sources, link) {
        source_cancel(s);
    }
}

void deployer_drain(struct deployer *d, uint64_t grace_ns)
{
    struct source *s;
    stop_looking(d);
    TAILQ_FOREACH (s, &d->sources, link) {
        if (s->function)
            function_drain(s->function, grace_ns);
    }
    deployer_advance(d);
}

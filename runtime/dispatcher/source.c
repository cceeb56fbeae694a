#include "dispatcher/config_file.h"
#include "dispatcher/deploy_internal.h"
#include "dispatcher/trust.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Less than the folder was quiet for: times of files are some milliseconds coarse. */
#define STILL_NS ((WATCH_QUIET_MS - 10) * NS_PER_MS)

static bool is_trusted(const struct source *s)
{
    struct diag diag;
    bool trusted = trust_check(s->path, &diag) == 0;
    if (trusted && s->handler_path)
        trusted = trust_check(s->handler_path, &diag) == 0;
    for (char **path = s->config_files; trusted && path && *path; path++)
        trusted = trust_check(*path, &diag) == 0;
    return trusted;
}

static void take_signature(const struct source *s, struct source_signature *ret_signature)
{
    *ret_signature = (struct source_signature){0};
    file_signature_take(s->path, &ret_signature->manifest);
    if (s->handler_path)
        file_signature_take(s->handler_path, &ret_signature->handler);
    ret_signature->other = file_signatures_fold((char *const[]){s->other_path, NULL});
    ret_signature->config = file_signatures_fold(s->config_files);
    ret_signature->granted = file_signatures_fold(s->lacking);
    ret_signature->is_trusted = s->is_untrusted && is_trusted(s);
}

static bool same_signature(const struct source_signature *a, const struct source_signature *b)
{
    return file_signature_equal(&a->manifest, &b->manifest) &&
           file_signature_equal(&a->handler, &b->handler) && a->other == b->other && a->config == b->config &&
           a->granted == b->granted && a->is_trusted == b->is_trusted;
}

struct source *source_create(struct deployer *d, const char *path)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s || !(s->path = strdup(path))) {
        free(s);
        return NULL;
    }
    s->deployer = d;
    return s;
}

static void end_stage(struct source *s)
{
    if (s->phase == SOURCE_PROBING)
        s->deployer->probing--;
    s->phase = SOURCE_QUIET;
    if (s->stage)
        stage_close(s->stage);
    s->stage = NULL;
    if (s->has_tried && !same_signature(&s->seen, &s->tried) && !s->deployer->draining)
        watch_poke(s->deployer->watch); /* it changed meanwhile */
}

void source_destroy(struct source *s)
{
    end_stage(s);
    TAILQ_REMOVE(&s->deployer->sources, s, link);
    free(s->path);
    free(s->handler_path);
    free(s->other_path);
    config_files_free(s->config_files);
    config_files_free(s->lacking);
    free(s->announced);
    free(s);
}

/* ---- refusing ---- */

static void refuse(struct source *s, const char *reason)
{
    const struct revision *running = s->function ? function_revision(s->function) : NULL;
    log_error("refused %s: %s%s%s", s->path, reason, running ? "; still running version " : "",
              running ? running->version : "");
    end_stage(s);
    deployer_advance(s->deployer);
}

static void refuse_diags(struct source *s, const struct diags *diags)
{
    char line[DIAG_FORMATTED_MAX];
    for (size_t i = 0; i < diags->count; i++)
        log_error("%s", diag_format(&diags->items[i], line, sizeof line));
    if (diags->dropped)
        log_error("%s: and %zu complaints more", s->path, diags->dropped);
    refuse(s, diags->count == 1 ? "see the line above" : "see the lines above");
}

/* Not poked: the next scan looks at it again, in a few seconds. */
static void put_off(struct source *s)
{
    log_error("%s: out of memory; it is tried again soon", s->path);
    s->has_tried = false;
}

/* ---- taking over ---- */

/* It runs all the same: the hop count of MQTT 5 ends what goes round, and topics may never meet in fact. */
static void warn_of_circle(const struct source *s)
{
    char *circle = deployer_circle(s->deployer, s->function);
    if (circle)
        log_warn("function=%s loop: %s: make a trigger or what is published narrower",
                 function_name(s->function), circle);
    free(circle);
}

static void announce(struct source *s)
{
    const struct revision *r = function_revision(s->function);
    if (!s->announced || !r)
        return;
    log_info("deployed %s version=%s%s%s", function_name(s->function), r->version,
             s->announced[0] ? " replaces=" : "", s->announced);
    free(s->announced);
    s->announced = NULL;
    warn_of_circle(s);
}

static char *name_loop(void *user, const struct function *f)
{
    const struct source *s = user;
    return deployer_circle(s->deployer, f);
}

static void on_settled(void *user, struct function *f)
{
    struct source *s = user;
    if (s->function == f)
        announce(s);
    deployer_advance(s->deployer);
}

static void on_gone(void *user, struct function *f)
{
    struct source *s = user;
    struct deployer *d = s->deployer;
    if (s->is_behind)
        log_info("%s has nothing left at broker %s", function_name(f), function_broker(f)->url_text);
    else
        log_info("%s %s", d->draining ? "stopped" : "undeployed", function_name(f));
    d->function_count--;
    if (s->function == f)
        s->function = NULL;
    deployer_retry_twins(d);
    deployer_advance(d);
}

const struct function_events source_events = {.settled = on_settled, .name_loop = name_loop, .gone = on_gone};

static void create(struct source *s, struct broker *broker, struct revision *revision, struct worker *probe)
{
    bool keep = probe && revision->manifest->instances_min > 0;
    if (probe && !keep)
        stage_discard_worker(probe);
    revision_hold(revision);
    s->function =
        function_create(s->deployer->node, broker, revision, keep ? probe : NULL, &source_events, s);
    if (!s->function) {
        if (keep)
            stage_discard_worker(probe);
        revision_drop(revision);
        put_off(s);
        return;
    }
    s->deployer->function_count++;
    move_finish(s, broker, revision);
}

static void swap(struct source *s, struct revision *revision, struct worker *probe)
{
    revision_hold(revision);
    if (function_swap(s->function, revision, probe) == 0)
        return;
    if (probe)
        stage_discard_worker(probe);
    revision_drop(revision);
    free(s->announced); /* the old version is none that was deployed just now */
    s->announced = NULL;
    put_off(s);
}

static void take_over(struct source *s, struct worker *probe)
{
    struct revision *revision = stage_revision(s->stage);
    const struct revision *old = s->function ? function_revision(s->function) : NULL;
    struct diag diag;
    struct broker *broker = node_broker(s->deployer->node, revision->manifest, &diag);
    CHECK(broker); /* or it had not been probed */
    free(s->announced);
    s->announced = strdup(old ? old->version : "");
    if (s->function && function_broker(s->function) != broker && !move_away(s, broker)) {
        if (probe)
            stage_discard_worker(probe);
        put_off(s);
    } else {
        if (s->function)
            swap(s, revision, probe);
        else
            create(s, broker, revision, probe);
        if (s->function && function_is_settled(s->function))
            announce(s);
    }
    end_stage(s);
    deployer_advance(s->deployer);
}

/* ---- a stage's way ---- */

/* Not poked: the next scan looks at it again, in a few seconds. */
static void try_again(struct source *s, const char *text)
{
    log_warn("%s: %s; it is tried again soon", s->path, text);
    s->has_tried = false;
    end_stage(s);
    deployer_advance(s->deployer);
}

/* What it lacks of its grants may come: the service that makes a socket starts after hark. */
static void watch_granted(struct source *s, const struct grants *g)
{
    s->lacking = calloc(g->path_count + 1, sizeof *s->lacking);
    for (uint32_t i = 0; s->lacking && i < g->path_count; i++)
        s->lacking[i] = strdup(g->paths[i].path.data);
    s->tried.granted = s->seen.granted = file_signatures_fold(s->lacking);
}

static void refuse_for(struct source *s, const char *text)
{
    const struct revision *r = stage_revision(s->stage);
    struct diag diag;
    struct diags diags = {0};
    revision_place(r, text, &diag);
    if (diag.line == 0) {
        refuse(s, text);
        return;
    }
    watch_granted(s, &r->manifest->grants);
    diags_append(&diags, &diag);
    refuse_diags(s, &diags);
    diags_finish(&diags);
}

static void on_probed(void *user, struct stage *stage, struct worker *worker, int error, const char *text)
{
    struct source *s = user;
    (void)stage;
    if (worker)
        take_over(s, worker);
    else if (error == -EAGAIN)
        try_again(s, text);
    else
        refuse_for(s, text);
}

static void take_names(struct source *s, struct stage *stage)
{
    const struct revision_names *names = stage_names(stage);
    if (!names->handler_path)
        return;
    free(s->handler_path);
    s->handler_path = strdup(names->handler_path);
    s->tried.handler = s->seen.handler = names->handler_signature;
    free(s->other_path);
    s->other_path = names->other_path ? strdup(names->other_path) : NULL;
    s->tried.other = s->seen.other = names->other_signature;
    config_files_free(s->config_files);
    s->config_files = stage_take_config_files(stage);
    s->tried.config = s->seen.config = names->config_signature;
}

static void on_loaded(void *user, struct stage *stage, int error, const struct diags *diags)
{
    struct source *s = user;
    take_names(s, stage);
    s->is_untrusted = error == -EPERM;
    s->tried.is_trusted = s->seen.is_trusted = false;
    config_files_free(s->lacking);
    s->lacking = NULL;
    s->tried.granted = s->seen.granted = 0;
    if (error == -EAGAIN) {
        s->has_tried = false; /* it is being written: the next look decides */
        end_stage(s);
        watch_poke(s->deployer->watch);
        deployer_advance(s->deployer);
    } else if (error) {
        refuse_diags(s, diags);
    } else {
        s->phase = SOURCE_LOADED;
        deployer_advance(s->deployer);
    }
}

static void start_stage(struct source *s)
{
    static const struct stage_events events = {.loaded = on_loaded, .probed = on_probed};
    struct deployer *d = s->deployer;
    s->tried = s->seen;
    s->has_tried = true;
    s->twin = false;
    s->stage = stage_create(d->node->loop, s->path, d->functions, &events, s);
    if (!s->stage) {
        refuse(s, "out of memory");
        return;
    }
    s->phase = SOURCE_LOADING;
}

/* What is told of an event is told when the folder was quiet for a while. Files that were not touched for
 * that long need no second look; those of whose times nothing is kept are as they were. */
static bool lies_still(const struct source *s, const struct source_signature *now)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return file_signature_is_still(&now->manifest, time, STILL_NS) &&
           file_signature_is_still(&now->handler, time, STILL_NS) && now->config == s->seen.config &&
           now->granted == s->seen.granted && now->is_trusted == s->seen.is_trusted;
}

static bool has_settled(const struct source *s, const struct source_signature *now, enum source_settle settle)
{
    return settle == SOURCE_AT_ONCE || same_signature(now, &s->seen) ||
           (settle == SOURCE_WHEN_STILL && lies_still(s, now));
}

void source_look(struct source *s, enum source_settle settle)
{
    struct source_signature now;
    take_signature(s, &now);
    bool settled = has_settled(s, &now, settle);
    s->seen = now;
    if (s->phase != SOURCE_QUIET || (s->has_tried && same_signature(&now, &s->tried)))
        return; /* busy: looked at again when it is over */
    if (settled)
        start_stage(s);
    else
        watch_poke(s->deployer->watch);
}

bool source_may_claim(const struct source *s)
{
    bool tried = s->has_tried && same_signature(&s->seen, &s->tried);
    return s->phase != SOURCE_QUIET || (s->present && !s->function && !tried);
}

void source_leave(struct source *s, uint64_t grace_ns)
{
    if (s->function && !function_is_ending(s->function))
        function_leave(s->function, grace_ns);
}

/* ---- claiming the name ---- */

static bool is_running_already(const struct source *s)
{
    const struct revision *running = s->function ? function_revision(s->function) : NULL;
    return running && strcmp(running->version, stage_revision(s->stage)->version) == 0;
}

static void refuse_twin(struct source *s, const char *name, const struct source *owner)
{
    const struct manifest *m = stage_revision(s->stage)->manifest;
    struct diags diags = {0};
    diags_add(&diags, s->path, m->function_line, m->function_column,
              "function '%s' is already defined by %s: give one of them another name", name, owner->path);
    s->twin = true;
    refuse_diags(s, &diags);
    diags_finish(&diags);
}

bool source_claim(struct source *s)
{
    const char *name = stage_names(s->stage)->function;
    struct diag diag;
    struct broker *broker = node_broker(s->deployer->node, stage_revision(s->stage)->manifest, &diag);
    if (!broker) {
        struct diags diags = {0};
        diags_append(&diags, &diag);
        refuse_diags(s, &diags);
        diags_finish(&diags);
        return true;
    }
    struct source *owner = deployer_owner(s->deployer, name, s);
    if (s->function && strcmp(function_name(s->function), name) != 0) {
        source_leave(s, SOURCE_GRACE_NS); /* the manifest was given another function name */
        return false;
    }
    if (owner && owner->present) {
        refuse_twin(s, name, owner);
        return true;
    }
    if (owner && owner->function && !s->function)
        source_hand_function(owner, s);
    if ((s->function && function_is_ending(s->function)) || move_holds(s, name, broker))
        return false;
    s->phase = s->function ? SOURCE_WAITING : SOURCE_CLAIMED;
    if (is_running_already(s))
        end_stage(s);
    return true;
}

void source_cancel(struct source *s)
{
    end_stage(s);
}

void source_probe(struct source *s)
{
    s->phase = SOURCE_PROBING;
    s->deployer->probing++;
    stage_probe(s->stage, s->deployer->node->worker_io);
}

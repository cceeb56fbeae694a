#include "dispatcher/worker_internal.h"

#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_LOOK_NS = 10 * 1000 * 1000 };

static void on_timer(uv_timer_t *timer);

void worker_blame(struct worker *w, enum worker_cause cause, const char *format, ...)
{
    if (w->has_cause)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(w->text, sizeof w->text, format, args);
    va_end(args);
    w->cause = cause;
    w->has_cause = true;
}

/* ---- time ---- */

/* The recorder says exactly which call runs since when. It is the worker's own word: believed only for calls
 * that are on their way, forwards, and once a call, so that all of it together buys one timeout for each
 * call. */
static void consult_recorder(struct worker *w)
{
    uint64_t call = atomic_load_explicit(&w->recorder->call, memory_order_acquire);
    uint64_t start_ns = atomic_load_explicit(&w->recorder->start_ns, memory_order_relaxed);
    struct call *head = TAILQ_FIRST(&w->calls);
    if (!head || call < head->id || call > w->last_call || call <= w->seen_call)
        return;
    w->seen_call = call;
    w->seen_start_ns = start_ns < head->sent_ns || start_ns > clock_now_ns() ? w->head_since_ns : start_ns;
}

void worker_ask_recorder(struct worker *w)
{
    struct call *head = TAILQ_FIRST(&w->calls);
    if (w->state != WS_STARTING || !head ||
        atomic_load_explicit(&w->recorder->call, memory_order_acquire) != head->id)
        return;
    w->owes_ready = true;
    worker_on(w, WE_READY_TO_RUN);
}

/* When it is asked again. What takes long to get ready is asked less often. */
static uint64_t ready_look_ns(const struct worker *w, uint64_t now_ns)
{
    uint64_t since_ns = now_ns - w->head_since_ns;
    if (w->load == 0)
        return CLOCK_NEVER;
    return now_ns + (since_ns > READY_LOOK_NS ? since_ns : READY_LOOK_NS);
}

static uint64_t deadline(struct worker *w)
{
    struct call *head = TAILQ_FIRST(&w->calls);
    uint64_t since_ns = w->head_since_ns;
    if (head && w->seen_call >= head->id && w->seen_start_ns > since_ns)
        since_ns = w->seen_start_ns;
    return since_ns + w->revision->manifest->timeout_ns;
}

void worker_arm(struct worker *w, uint64_t at_ns)
{
    uint64_t now_ns = clock_now_ns(), report_ns = log_budget_due_ns(w->revision->log_budget);
    at_ns = report_ns < at_ns ? report_ns : at_ns;
    if (at_ns == CLOCK_NEVER)
        return;
    uint64_t in_ms = at_ns > now_ns ? (at_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    w->timer_at_ns = at_ns;
    uv_timer_start(&w->timer, on_timer, in_ms, 0);
}

/* The timer is left running when a call ends and looks again when it fires: no timer call per message. */
static void on_timer(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    w->timer_at_ns = CLOCK_NEVER;
    channel_read_pending(w); /* what it finished while this loop was busy elsewhere is not late */
    worker_ask_recorder(w);
    worker_report_dropped(w, clock_now_ns());
    if (w->state == WS_IDLE || w->state == WS_KILLING || w->state == WS_GONE) {
        worker_arm(w, CLOCK_NEVER);
        return;
    }
    consult_recorder(w);
    uint64_t at_ns = deadline(w), now_ns = clock_now_ns();
    if (now_ns < at_ns) {
        uint64_t look_ns =
            w->state == WS_STARTING ? ready_look_ns(w, now_ns) : worker_look_at_place(w, now_ns);
        worker_arm(w, look_ns < at_ns ? look_ns : at_ns);
        return;
    }
    unsigned long ms = (unsigned long)(w->revision->manifest->timeout_ns / NS_PER_MS);
    worker_blame(w, WORKER_LATE, "%s %lu ms (timeout)",
                 w->state == WS_STARTING ? "did not get ready within" : "did not finish within", ms);
    worker_on(w, WE_LATE);
}

/* ---- the end ---- */

static struct call *find_guilty(struct worker *w)
{
    struct call *call;
    bool own_fault = w->cause == WORKER_CRASHED || w->cause == WORKER_LATE || w->cause == WORKER_BROKEN;
    if (!own_fault || !w->was_ready)
        return NULL;
    uint64_t running = atomic_load_explicit(&w->recorder->call, memory_order_acquire);
    TAILQ_FOREACH (call, &w->calls, link) {
        if (call->id == running)
            return call;
    }
    /* Between two calls nobody is to blame; but somebody must be when there is no progress at all. */
    return w->cause != WORKER_BROKEN && w->completed ? NULL : TAILQ_FIRST(&w->calls);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct worker *w = handle->data;
    if (--w->handles > 0)
        return;
    worker_io_forget(w->io, w);
    free(w);
}

static void end(struct worker *w)
{
    struct worker_end end = {.cause = w->cause, .was_ready = w->was_ready, .guilty = find_guilty(w)};
    snprintf(end.text, sizeof end.text, "%s", w->text);
    TAILQ_INIT(&end.left);
    TAILQ_CONCAT(&end.left, &w->calls, link);
    w->load = 0;
    worker_report_dropped(w, CLOCK_NEVER);
    munmap((void *)(uintptr_t)w->recorder, sizeof *w->recorder);
    channel_close(w, on_handle_closed);
    uv_close((uv_handle_t *)&w->timer, on_handle_closed);
    w->events->ended(w->user, w, &end);
}

/* Nobody else sends a SIGKILL that was not ordered, but for RLIMIT_CPU and a person. */
static bool is_out_of_memory(struct worker *w, int status, char *text, size_t size)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !w->has_cause &&
           cgroup_share_take_oom(w->revision->cgroup_share, w->revision->manifest, text, size);
}

static void blame_exit(struct worker *w, int status)
{
    char text[sizeof w->text - 16];
    if (status == -ECHILD)
        worker_blame(w, WORKER_LOST, "lost with the zygote");
    else if (status < 0)
        worker_blame(w, WORKER_NO_FORK, "cannot fork: %s", strerror(-status));
    else if (is_out_of_memory(w, status, text, sizeof text))
        worker_blame(w, WORKER_CRASHED, "killed: %s", text);
    else if (WIFSIGNALED(status))
        worker_blame(w, WORKER_CRASHED, "killed by SIG%s (%s)",
                     sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?",
                     strsignal(WTERMSIG(status)));
    else if (w->state == WS_STOPPING && WEXITSTATUS(status) == 0)
        worker_blame(w, WORKER_STOPPED, "stopped");
    else
        worker_blame(w, WORKER_CRASHED, "exited with status %d without being asked to", WEXITSTATUS(status));
}

static void on_exited(struct zygote_child *child, int status)
{
    struct worker *w = (struct worker *)((char *)child - offsetof(struct worker, child));
    if (!w->revision) {
        spares_forget(w->io, w);
        worker_destroy(w);
        return;
    }
    channel_read_rest(w); /* results that it still sent count */
    worker_ask_recorder(w);
    blame_exit(w, status);
    worker_on(w, WE_EXIT);
}

static void on_started(struct zygote_child *child, int pid)
{
    struct worker *w = (struct worker *)((char *)child - offsetof(struct worker, child));
    w->pid = pid;
    if (w->events && w->events->born)
        w->events->born(w->user, w);
}

/* ---- the machine ---- */

static void send_stop(struct worker *w)
{
    wire_put_empty(&w->out, WIRE_STOP);
    channel_queued(w);
    w->head_since_ns = clock_now_ns();
    worker_arm(w, deadline(w));
}

static void act(struct worker *w, enum worker_action action)
{
    switch (action) {
    case WA_TELL_READY:
        w->was_ready = true;
        w->idle_since_ns = clock_now_ns();
        if (w->load)
            w->head_since_ns = w->idle_since_ns;
        w->events->ready(w->user, w);
        break;
    case WA_KILL:
        worker_kill_process(w);
        break;
    case WA_SEND_STOP:
    case WA_COMPLETE_THEN_STOP:
        send_stop(w);
        break;
    case WA_END:
        end(w);
        break;
    case WA_SEND:
    case WA_COMPLETE:
    case WA_NONE:
    case WA_REFUSE:
        break;
    }
}

void worker_on(struct worker *w, enum worker_event event)
{
    struct worker_step step = worker_fsm_step(w->state, event);
    if (step.state != w->state) {
        log_debug("worker=%u function=%s %s->%s on %s", w->child.id, w->revision->manifest->function,
                  worker_state_name(w->state), worker_state_name(step.state), worker_event_name(event));
        if (step.state == WS_IDLE)
            w->idle_since_ns = w->head_since_ns;
    }
    w->state = step.state;
    act(w, step.action);
}

/* ---- start ---- */

void worker_destroy(struct worker *w)
{
    if (w->recorder)
        munmap((void *)(uintptr_t)w->recorder, sizeof *w->recorder);
    if (w->channel >= 0)
        close(w->channel);
    if (w->log >= 0)
        close(w->log);
    buffer_finish(&w->out);
    free(w);
}

/* Its own ends into it, the others into fds. */
static int equip(struct worker *w, int fds[ZYGOTE_FDS_MAX])
{
    struct kit kit;
    int error = kit_take(&w->io->kits, &kit);
    if (error)
        return error;
    w->channel = kit.channel;
    w->log = kit.log;
    w->recorder = kit.recorder;
    memcpy(fds, kit.theirs, sizeof kit.theirs);
    return 0;
}

/* It leaves with a call that is sent ahead, in one piece, or at the end of the turn. */
static void tell(struct worker *w, const struct revision *revision)
{
    w->revision = revision;
    worker_put_setup(w);
}

/* Into a cgroup that is gone nobody is born, nor anywhere else instead. */
static int add_cgroup(const struct worker_io *io, uint64_t cgroup, int fds[ZYGOTE_FDS_MAX])
{
    int error = cgroups_dup_folder(io->cgroups, cgroup, &fds[ZYGOTE_FD_CGROUP]);
    for (int i = 0; error && i < ZYGOTE_FD_COUNT; i++)
        close(fds[i]);
    return error;
}

int worker_order(struct worker_io *io, const struct worker_terms *terms, struct worker **ret_worker)
{
    int fds[ZYGOTE_FDS_MAX];
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->io = io;
    w->zygote = terms->zygote;
    w->channel = w->log = -1;
    w->child.started = on_started;
    w->child.exited = on_exited;
    w->window = CALL_WINDOW_INITIAL;
    w->placement = PLACEMENT_INITIAL;
    TAILQ_INIT(&w->calls);
    int error = equip(w, fds);
    if (!error)
        error = add_cgroup(io, terms->place->cgroup, fds);
    if (!error && terms->revision)
        tell(w, terms->revision);
    if (!error)
        error = worker_bear(w, terms, fds);
    if (error)
        worker_destroy(w);
    else
        *ret_worker = w;
    return error;
}

/* It has something to do, and is watched from here on. */
static void watch(struct worker *w)
{
    w->head_since_ns = clock_now_ns();
    TAILQ_INSERT_TAIL(&w->io->all, w, link);
    uv_timer_init(w->io->loop, &w->timer);
    w->timer.data = w;
    w->handles = 1;
    int error = channel_start(w);
    channel_queued(w);
    worker_arm(w, deadline(w));
    if (error) {
        worker_blame(w, WORKER_NO_FORK, "cannot be listened to: %s", strerror(-error));
        worker_on(w, WE_ABORT);
    }
}

/* Who has grants cannot come from a zygote that is sealed already, nor who may use the machine's network from
 * one that has left it. NULL and *diag on failure. */
static struct zygote *find_zygote(struct worker_io *io, const struct grants *grants, struct diag *diag)
{
    bool is_networked = grants->port_count > 0;
    struct zygote **granting = is_networked ? &io->networked : &io->granting;
    if (grants_empty(grants))
        return io->zygote;
    if (!*granting)
        *granting = zygote_create_granting(io->zygote, is_networked, diag);
    return *granting;
}

/* A spare has no grants, and who has some gets none. 0, or a negative errno; *diag may say more. */
static int find_worker(struct worker_io *io, const struct revision *revision, struct worker **ret_worker,
                       struct diag *diag)
{
    const struct manifest *m = revision->manifest;
    const struct grants *g = &m->grants;
    struct birthplace place = {
        .limits = {.data_bytes = m->limit_memory_bytes,
                   .cpu_s = m->limit_cpu_s,
                   .threads = m->limit_threads,
                   .files = m->limit_files,
                   .file_bytes = grants_have(g, GRANT_WRITE) ? m->limit_file_bytes : 0}};
    struct worker_terms terms = {NULL, &place, g, revision};
    if (io->births)
        return worker_order(io, &terms, ret_worker);
    int error = cgroup_share_join(revision->cgroup_share, io->cgroups, m, diag);
    if (error)
        return error;
    place.cgroup = cgroup_share_id(revision->cgroup_share);
    if (!(terms.zygote = find_zygote(io, g, diag)))
        return -ECHILD;
    if (!grants_empty(g) || !(*ret_worker = spares_take(io, &place)))
        return worker_order(io, &terms, ret_worker);
    tell(*ret_worker, revision);
    return 0;
}

struct worker *worker_start(struct worker_io *io, const struct revision *revision,
                            const struct worker_events *events, void *user, struct diag *diag)
{
    struct worker *w;
    diag->text[0] = '\0';
    int error = find_worker(io, revision, &w, diag);
    if (error && *diag->text)
        return NULL;
    if (error) {
        diag_set(diag, NULL, 0, 0, "cannot start a worker: %s",
                 error == -ECHILD  ? "there is no zygote just now"
                 : error == -EPERM ? "the seal does not hold: see hark doctor"
                                   : strerror(-error));
        return NULL;
    }
    worker_set_user(w, events, user);
    watch(w);
    return w;
}

/* ---- calls ---- */

void worker_invoke(struct worker *w, struct call *call, const struct wire_invoke *invoke, uint64_t now_ns)
{
    CHECK(worker_can_take(w) || worker_can_take_ahead(w));
    call->id = ++w->last_call;
    call->sent_ns = now_ns;
    call->chain = invoke->chain;
    call->may_skip = false;
    channel_put_call(w, call->id, invoke);
    if (w->load++ == 0)
        w->head_since_ns = call->sent_ns;
    TAILQ_INSERT_TAIL(&w->calls, call, link);
    worker_on(w, WE_INVOKE);
    if (w->state == WS_STARTING) {
        channel_flush(w); /* it is woken while this process goes on */
        worker_arm(w, ready_look_ns(w, now_ns));
    } else {
        channel_queued(w);
    }
    if (w->timer_at_ns == CLOCK_NEVER)
        worker_arm(w, deadline(w));
    if (buffer_failed(&w->out)) {
        worker_blame(w, WORKER_NO_FORK, "out of memory");
        worker_on(w, WE_ABORT);
    }
}

bool worker_can_take(const struct worker *w)
{
    return (w->state == WS_IDLE || w->state == WS_BUSY) && w->load < w->window.calls &&
           buffer_length(&w->out) < WORKER_OUT_BYTES_MAX;
}

bool worker_can_take_ahead(const struct worker *w)
{
    return w->state == WS_STARTING && w->load == 0;
}

uint32_t worker_load(const struct worker *w)
{
    return w->load;
}

bool worker_is_stopping(const struct worker *w)
{
    return w->state >= WS_DRAINING;
}

uint32_t worker_id(const struct worker *w)
{
    return w->child.id;
}

int worker_pid(const struct worker *w)
{
    return w->pid;
}

uint64_t worker_idle_since_ns(const struct worker *w)
{
    return w->state == WS_IDLE ? w->idle_since_ns : CLOCK_NEVER;
}

uint64_t worker_answered_ns(const struct worker *w)
{
    return w->head_since_ns;
}

const struct revision *worker_revision(const struct worker *w)
{
    return w->revision;
}

void worker_set_user(struct worker *w, const struct worker_events *events, void *user)
{
    w->events = events;
    w->user = user;
}

void worker_stop(struct worker *w)
{
    worker_ask_recorder(w);
    if (w->state == WS_STARTING)
        worker_blame(w, WORKER_STOPPED, "stopped before it was ready");
    worker_on(w, WE_STOP);
}

void worker_kill(struct worker *w)
{
    worker_blame(w, WORKER_STOPPED, "killed");
    worker_on(w, WE_ABORT);
}

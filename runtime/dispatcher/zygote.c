#include "dispatcher/zygote_internal.h"

#include "dispatcher/seal_policy.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RESPAWN_FIRST_MS = 100, RESPAWN_LAST_MS = 10000, START_TRIES = 3 };

union packet {
    struct zygote_layers layers; /* the first */
    struct zygote_report report; /* all others */
};

/* posix_spawn(3) shares the memory until the exec: no page table is copied, however large the dispatcher is.
 */
static int spawn_process(struct zygote *z, int control)
{
    char parent[16];
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    char grants[] = "grants", cgroup[] = "cgroup";
    char *argv[] = {(char[]){"hark-worker"}, parent, z->user, z->waived, NULL, NULL, NULL};
    char **word = &argv[4];
    if (z->grants)
        *word++ = grants;
    if (z->cgroup_procs >= 0)
        *word++ = cgroup;
    char *const envp[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, control, ZYGOTE_FD);
    if (z->cgroup_procs >= 0)
        posix_spawn_file_actions_adddup2(&actions, z->cgroup_procs, ZYGOTE_CGROUP_FD);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    pid_t pid = 0;
    int error = posix_spawn(&pid, z->program, &actions, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (!error)
        z->pid = pid;
    return -error;
}

/* dup2 onto itself would keep close-on-exec, and one dup2 must not close what the next one needs: none of the
 * descriptors that are handed over is among the numbers that the zygote finds them at. */
static int move_away(int fd)
{
    if (fd != ZYGOTE_FD && fd != ZYGOTE_CGROUP_FD)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, ZYGOTE_CGROUP_FD + 1);
    close(fd);
    return moved;
}

static void reap(struct zygote *z)
{
    int status = 0;
    if (z->pid > 0) {
        kill(z->pid, SIGKILL); /* our own child, not yet waited for: the pid is still its own */
        while (waitpid(z->pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    z->pid = 0;
}

static int spawn(struct zygote *z)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pair[0] = move_away(pair[0]);
    pair[1] = move_away(pair[1]);
    int error = pair[0] < 0 || pair[1] < 0 ? -EMFILE : spawn_process(z, pair[1]);
    if (pair[1] >= 0)
        close(pair[1]);
    if (error) {
        if (pair[0] >= 0)
            close(pair[0]);
        return error;
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    error = uv_poll_init(z->loop, &z->poll, pair[0]);
    if (error) {
        close(pair[0]);
        reap(z);
        return error;
    }
    z->control = pair[0];
    return 0;
}

static void on_look(uv_timer_t *timer);

static void watch_control(struct zygote *z)
{
    zygote_health_begin(&z->health, clock_now_ns());
    z->is_silent = false;
    uv_timer_start(&z->look, on_look, HEALTH_LOOK_NS / NS_PER_MS, HEALTH_LOOK_NS / NS_PER_MS);
    z->poll.data = z;
    z->handles++;
    uv_poll_start(&z->poll, UV_READABLE, zygote_on_event);
}

static void destroy(struct zygote *z)
{
    free(z->program);
    free(z->waived);
    if (z->cgroup_procs >= 0)
        close(z->cgroup_procs);
    free(z);
}

/* NULL, or with NULL for what there was no memory for. */
static struct zygote *allocate(uv_loop_t *loop, const struct zygote_options *options)
{
    struct zygote *z = calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->loop = loop;
    z->program = strdup(options->program);
    z->waived = zygote_list_layers(options->waived);
    z->waived_bits = options->waived;
    z->grants = options->grants;
    z->cgroup_procs =
        options->in_cgroup ? fcntl(options->cgroup_procs, F_DUPFD_CLOEXEC, ZYGOTE_CGROUP_FD + 1) : -1;
    if (options->changes_user)
        snprintf(z->user, sizeof z->user, "%u:%u", (unsigned)options->uid, (unsigned)options->gid);
    else
        snprintf(z->user, sizeof z->user, "-");
    z->respawn_ms = RESPAWN_FIRST_MS;
    STAILQ_INIT(&z->waiting);
    return z;
}

/* Takes z; NULL: it could not be had. */
static struct zygote *begin(struct zygote *z, struct diag *diag)
{
    int error = z && z->program && z->waived ? spawn(z) : -ENOMEM;
    if (error) {
        diag_set(diag, NULL, 0, 0, "cannot start %s: %s", z && z->program ? z->program : "hark-worker",
                 strerror(-error));
        if (z)
            destroy(z);
        return NULL;
    }
    uv_timer_init(z->loop, &z->respawn);
    uv_timer_init(z->loop, &z->look);
    z->respawn.data = z->look.data = z;
    z->handles += 2;
    watch_control(z);
    return z;
}

struct zygote *zygote_create(uv_loop_t *loop, const struct zygote_options *options, struct diag *diag)
{
    return begin(allocate(loop, options), diag);
}

struct zygote *zygote_create_granting(const struct zygote *z, bool is_networked, struct diag *diag)
{
    const struct zygote_options options = {.program = z->program,
                                           .grants = true,
                                           .waived = z->waived_bits | (is_networked ? 1u << LAYER_NETNS : 0),
                                           .in_cgroup = z->cgroup_procs >= 0,
                                           .cgroup_procs = z->cgroup_procs};
    struct zygote *granting = allocate(z->loop, &options);
    if (granting) {
        memcpy(granting->user, z->user, sizeof granting->user);
        granting->judged = z->judged;
        granting->is_kept = true;
    }
    return begin(granting, diag);
}

bool zygote_has_given_up(const struct zygote *z)
{
    return z->has_given_up;
}

int zygote_pid(const struct zygote *z)
{
    return z->pid;
}

const struct zygote_layers *zygote_layers(const struct zygote *z)
{
    return z->knows_layers ? &z->layers : NULL;
}

/* The workers died with it (PDEATHSIG). Callbacks may order new forks: those find no zygote and fail. */
static void tell_children_lost(struct zygote *z)
{
    for (int i = 0; i < ZYGOTE_BUCKETS; i++) {
        struct zygote_child *child;
        while ((child = LIST_FIRST(&z->children[i]))) {
            LIST_REMOVE(child, link);
            child->exited(child, -ECHILD);
        }
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct zygote *z = handle->data;
    if (--z->handles == 0 && z->closing)
        destroy(z);
}

static void on_respawn(uv_timer_t *timer)
{
    struct zygote *z = timer->data;
    int error = spawn(z);
    z->respawn_ms = z->respawn_ms * 2 < RESPAWN_LAST_MS ? z->respawn_ms * 2 : RESPAWN_LAST_MS;
    if (!error) {
        watch_control(z);
        log_warn("zygote started again: pid=%d", z->pid);
        return;
    }
    log_error("cannot start %s: %s; next try in %u ms", z->program, strerror(-error),
              (unsigned)z->respawn_ms);
    uv_timer_start(&z->respawn, on_respawn, z->respawn_ms, 0);
}

/* What became of it, for a line of the log. */
static void describe_end(const struct zygote *z, char *text, size_t size)
{
    if (z->is_silent)
        snprintf(text, size, "gave no answer for %u s and was killed",
                 (unsigned)(z->health.patience_ns / NS_PER_S));
    else
        snprintf(text, size, "died");
}

static void start_again(struct zygote *z)
{
    char end[64];
    describe_end(z, end, sizeof end);
    if (z->is_kept) {
        log_error("the zygote %s; its workers died with it; a new one starts in %u ms", end,
                  (unsigned)z->respawn_ms);
    } else if (++z->tries < START_TRIES) {
        log_warn("the zygote %s before it knew its seal; another try in %u ms", end, (unsigned)z->respawn_ms);
    } else {
        z->has_given_up = true;
        return;
    }
    uv_update_time(z->loop); /* its end was waited for */
    uv_timer_start(&z->respawn, on_respawn, z->respawn_ms, 0);
}

static void lose(struct zygote *z)
{
    uv_close((uv_handle_t *)&z->poll, on_handle_closed);
    uv_timer_stop(&z->look);
    close(z->control);
    z->control = -1;
    z->knows_layers = false;
    reap(z);
    zygote_forget_waiting(z);
    if (z->closing)
        return;
    start_again(z);
    tell_children_lost(z);
}

static void take_report(struct zygote *z, const struct zygote_report *report)
{
    if (report->type == ZYGOTE_PONG)
        return;
    struct zygote_child *child = zygote_find(z, report->worker);
    if (report->type != ZYGOTE_STARTED) {
        zygote_tell_exited(z, report->worker,
                           report->type == ZYGOTE_EXITED ? report->status : -report->status);
    } else if (child) {
        z->respawn_ms = RESPAWN_FIRST_MS;
        child->started(child, report->pid);
    }
}

/* The first zygote's layers are the caller's to judge. One that comes later may find less on this machine. */
static void say_what_is_lost(const struct zygote *z)
{
    char line[SEAL_LINE_MAX];
    for (int i = 0; i < LAYER_COUNT; i++) {
        uint32_t now = z->layers.layers[i].status;
        if (seal_layer_is_fatal(&z->layers, (enum layer)i))
            log_error("functions%s cannot run any more: %s", z->grants ? " with grants" : "",
                      seal_describe(&z->layers, (enum layer)i, line));
        else if (now != LAYER_WAIVED && now > z->judged.layers[i].status)
            log_warn("the seal is not what it was: %s", seal_describe(&z->layers, (enum layer)i, line));
    }
}

static bool waives_by_itself(const struct zygote *z, const struct zygote_layers *layers)
{
    for (int i = 0; i < LAYER_COUNT; i++) {
        if (layers->layers[i].status == LAYER_WAIVED && !(z->waived_bits & (1u << i)))
            return true;
    }
    return false;
}

/* 0: taken. -EBADMSG: it is not what has to come now. */
static int take_packet(struct zygote *z, const union packet *packet, size_t len)
{
    zygote_health_hear(&z->health);
    if (z->knows_layers) {
        if (len != sizeof packet->report || packet->report.type == ZYGOTE_LAYERS)
            return -EBADMSG;
        take_report(z, &packet->report);
        return 0;
    }
    if (len != sizeof packet->layers || packet->layers.type != ZYGOTE_LAYERS ||
        waives_by_itself(z, &packet->layers))
        return -EBADMSG;
    z->layers = packet->layers;
    z->knows_layers = z->is_kept = true;
    if (z->judged.type == ZYGOTE_LAYERS)
        say_what_is_lost(z);
    else
        z->judged = z->layers;
    if (!STAILQ_EMPTY(&z->waiting))
        uv_poll_start(&z->poll, UV_READABLE | UV_WRITABLE, zygote_on_event);
    return 0;
}

void zygote_on_event(uv_poll_t *poll, int status, int events)
{
    struct zygote *z = poll->data;
    (void)status;
    if (events & UV_WRITABLE)
        zygote_send_waiting(z);
    while (z->control >= 0 && !z->closing) {
        union packet packet;
        ssize_t got = recv(z->control, &packet, sizeof packet, 0);
        if (got > 0 && take_packet(z, &packet, (size_t)got) == 0)
            continue;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        lose(z);
    }
}

/* The end of the process closes its socket, which is when it is lost: until then a worker may be alive. One
 * that cannot be killed hangs in the kernel. */
static void end_silent(struct zygote *z)
{
    if (z->is_silent)
        log_error("the zygote (pid %d) was killed and does not end; no worker starts until it does", z->pid);
    z->is_silent = true;
    kill(z->pid, SIGKILL); /* not yet waited for: the pid is still its own */
}

void zygote_end(struct zygote *z)
{
    if (z->control >= 0)
        kill(z->pid, SIGKILL); /* not yet waited for */
}

static void on_look(uv_timer_t *timer)
{
    struct zygote *z = timer->data;
    zygote_on_event(&z->poll, 0, UV_READABLE); /* an answer may be waiting */
    if (z->control < 0)
        return;
    switch (zygote_health_look(&z->health, clock_now_ns())) {
    case HEALTH_PING:
        zygote_ping(z);
        break;
    case HEALTH_SILENT:
        end_silent(z);
        break;
    case HEALTH_FINE:
        break;
    }
}

void zygote_close(struct zygote *z)
{
    CHECK(!z->closing);
    z->closing = true;
    if (z->control >= 0)
        lose(z);
    uv_close((uv_handle_t *)&z->respawn, on_handle_closed);
    uv_close((uv_handle_t *)&z->look, on_handle_closed);
}

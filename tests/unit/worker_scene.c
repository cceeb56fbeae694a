#include "worker_scene.h"

#include "dispatcher/freeze.h"
#include "dispatcher/outbox.h"
#include "dispatcher/zygote_internal.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOBODY = 65534 };

struct scene scene;
static uv_timer_t guard;
static bool guard_rang, io_closed;

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    guard_rang = true;
}

static bool scene_knows_layers(void)
{
    return zygote_layers(scene.zygote) != NULL;
}

void scene_open(const char *program)
{
    struct diag diag;
    static char allowed[] = "allowed", *publishes[] = {allowed};
    static char function[] = "f", handler[] = "f.so";
    scene.manifest = (struct manifest){.function = function,
                                       .handler = handler,
                                       .publishes = publishes,
                                       .publish_count = 1,
                                       .timeout_ns = 10 * NS_PER_S,
                                       .instances_max = 1,
                                       .retry_attempts = 1,
                                       .limit_payload_bytes = 1024,
                                       .limit_queue = 10,
                                       .limit_publishes = 10,
                                       .limit_memory_bytes = 64 << 20,
                                       .limit_threads = 1,
                                       .limit_files = 16,
                                       .limit_log_bytes = 64 << 20};
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    uv_timer_init(&scene.loop, &guard);
    const struct zygote_options options = {
        .program = program, .changes_user = geteuid() == 0, .uid = NOBODY, .gid = NOBODY};
    scene.zygote = zygote_create(&scene.loop, &options, &diag);
    if (!scene.zygote)
        fail_msg("%s", diag.text);
    scene_until_it_is(scene_knows_layers);
    scene.io = worker_io_create(&scene.loop, scene.zygote);
    assert_non_null(scene.io);
    io_closed = false;
}

static void on_io_closed(void *user)
{
    (void)user;
    io_closed = true;
    zygote_close(scene.zygote);
}

void scene_close(void)
{
    worker_io_close(scene.io, on_io_closed, NULL);
    scene_until(&io_closed);
    uv_close((uv_handle_t *)&guard, NULL);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene.loop), 0);
}

static void start_guard(void)
{
    guard_rang = false;
    uv_update_time(&scene.loop);
    uv_timer_start(&guard, on_guard, GUARD_MS, 0);
}

static void turn_or_fail(void)
{
    uv_run(&scene.loop, UV_RUN_ONCE);
    if (guard_rang)
        fail_msg("it did not happen within %d ms", GUARD_MS);
}

void scene_until(const bool *flag)
{
    start_guard();
    while (!*flag)
        turn_or_fail();
    uv_timer_stop(&guard);
}

void scene_until_it_is(bool (*so)(void))
{
    start_guard();
    while (!so())
        turn_or_fail();
    uv_timer_stop(&guard);
}

void scene_until_answered(const struct actor *a, unsigned results)
{
    start_guard();
    while (a->answered < results)
        turn_or_fail();
    uv_timer_stop(&guard);
}

void scene_turn(void)
{
    uv_run(&scene.loop, UV_RUN_NOWAIT);
}

void scene_hold_pause(void)
{
    scene.zygote->respawn_ms = 10 * GUARD_MS;
}

void scene_end_pause(void)
{
    assert_true(uv_is_active((uv_handle_t *)&scene.zygote->respawn));
    uv_timer_start(&scene.zygote->respawn, scene.zygote->respawn.timer_cb, 0, 0);
}

/* ---- revisions ---- */

static struct revision *revision_of(int fd, const char *path)
{
    struct revision *r = must_alloc(sizeof *r);
    r->references = 1;
    r->manifest = must_alloc(sizeof *r->manifest);
    *r->manifest = scene.manifest;
    r->handler_fd = fd;
    r->handler_path = must_strdup(path);
    r->log_budget = must_alloc(sizeof *r->log_budget);
    r->cgroup_share = cgroup_share_create();
    assert_non_null(r->cgroup_share);
    snprintf(r->version, sizeof r->version, "0123456789ab");
    return r;
}

struct revision *scene_script(const char *name)
{
    int fd = memfd_create("script", MFD_CLOEXEC);
    assert_int_equal(write(fd, name, strlen(name)), strlen(name));
    return revision_of(fd, "/nowhere/f.so");
}

struct revision *scene_handler(const char *path)
{
    struct frozen frozen;
    struct diag diag;
    assert_int_equal(freeze_file(path, "f.so", REVISION_HANDLER_BYTES_MAX, &frozen, &diag), 0);
    return revision_of(freeze_take_fd(&frozen), path);
}

void scene_free_revision(struct revision *r)
{
    close(r->handler_fd);
    free(r->handler_path);
    free(r->log_budget);
    cgroup_share_drop(r->cgroup_share);
    free(r->manifest); /* what it points to is the test's */
    free(r);
}

/* ---- actors ---- */

static void on_ready(void *user, struct worker *w)
{
    struct actor *a = user;
    assert_ptr_equal(w, a->w);
    assert_false(a->ready);
    a->ready = true;
}

static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    struct actor *a = user;
    struct outbox box = {0};
    struct topic_captures none = {0};
    struct outbox_rules rules = {.manifest = a->revision->manifest, .captures = &none};
    assert_ptr_equal(w, a->w);
    assert_int_equal(header->call, call->id);
    int error = outbox_add(&box, &rules, header, body, diag);
    outbox_clear(&box);
    a->outputs += error == 0;
    return error;
}

static int on_keep(void *user, struct worker *w, struct call *call, struct diag *diag)
{
    struct actor *a = user;
    assert_ptr_equal(w, a->w);
    assert_ptr_equal(call, &a->calls[a->answered]);
    a->kept++;
    diag_set(diag, NULL, 0, 0, "no room");
    return a->cannot_keep ? -ENOMEM : 0;
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    struct actor *a = user;
    assert_ptr_equal(w, a->w);
    assert_ptr_equal(call, &a->calls[a->answered]);
    a->results[a->answered++] = result;
}

static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    struct actor *a = user;
    (void)level;
    assert_ptr_equal(w, a->w);
    assert_null(text.len ? memchr(text.data, '\n', text.len) : NULL);
    size_t used = strlen(a->log);
    snprintf(a->log + used, sizeof a->log - used, "%.*s\n", SLICE_ARG(text));
    a->log_lines++;
    a->log_bytes += text.len;
    a->longest_line = text.len > a->longest_line ? text.len : a->longest_line;
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct actor *a = user;
    struct call *call;
    assert_ptr_equal(w, a->w);
    assert_false(a->ended);
    a->cause = end->cause;
    a->was_ready = end->was_ready;
    a->guilty = end->guilty ? (int)(end->guilty - a->calls) : -1;
    snprintf(a->text, sizeof a->text, "%s", end->text);
    TAILQ_FOREACH (call, &end->left, link) {
        assert_ptr_equal(call, &a->calls[a->answered + a->left]);
        a->left++;
    }
    a->ended = true;
    a->w = NULL;
}

static void on_born(void *user, struct worker *w)
{
    struct actor *a = user;
    assert_true(worker_pid(w) > 0);
    a->births++;
}

struct actor *actor_start(struct revision *revision)
{
    static const struct worker_events events = {.born = on_born,
                                                .ready = on_ready,
                                                .output = on_output,
                                                .keep = on_keep,
                                                .result = on_result,
                                                .log = on_log,
                                                .ended = on_ended};
    struct actor *a = must_alloc(sizeof *a);
    struct diag diag;
    a->revision = revision;
    a->w = worker_start(scene.io, revision, &events, a, &diag);
    if (!a->w)
        fail_msg("%s", diag.text);
    return a;
}

void actor_until_ready(struct actor *a)
{
    start_guard();
    while (!a->ready || worker_pid(a->w) == 0) /* the zygote's word of the birth comes by a way of its own */
        turn_or_fail();
    uv_timer_stop(&guard);
}

void actor_call_in_chain(struct actor *a, uint64_t chain, const char *topic, const char *payload)
{
    struct wire_invoke invoke = {.chain = chain,
                                 .timeout_ns = a->revision->manifest->timeout_ns,
                                 .attempt = 1,
                                 .message = {.topic = slice_of(topic), .payload = slice_of(payload)}};
    assert_in_range(a->sent, 0, ACTOR_CALLS_MAX - 1);
    worker_invoke(a->w, &a->calls[a->sent++], &invoke, clock_now_ns());
}

void actor_call(struct actor *a)
{
    actor_call_in_chain(a, 0, "in", "x");
}

void actor_until_ended(struct actor *a)
{
    scene_until(&a->ended);
}

void actor_forget(struct actor *a)
{
    scene_free_revision(a->revision);
    free(a);
}

size_t open_fds(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* A real hark-worker from the dispatcher's end, from its start to its last word; and what happens to the
 * dispatcher's own memory. */
#include "worker_scene.h"

#include "dispatcher/worker_internal.h"
#include "shared/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory;

void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

void *__wrap_realloc(void *memory, size_t bytes)
{
    return no_memory ? NULL : __real_realloc(memory, bytes);
}

static int polls_left = -1; /* -1: any number */

int __real_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);
int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd);

int __wrap_uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
    if (polls_left == 0)
        return UV_ENOMEM;
    polls_left -= polls_left > 0;
    return __real_uv_poll_init(loop, poll, fd);
}

static size_t fds_before;

static int open_real(void **unused)
{
    (void)unused;
    scene_open(TEST_HARK_WORKER);
    static char anywhere[] = "out/#", *publishes[] = {anywhere};
    scene.manifest.publishes = publishes;
    fds_before = open_fds();
    return 0;
}

static int open_fake(void **unused)
{
    (void)unused;
    scene_open(TEST_FAKE_ZYGOTE);
    fds_before = open_fds();
    return 0;
}

static int close_all(void **unused)
{
    (void)unused;
    no_memory = false;
    polls_left = -1;
    scene_close();
    return 0;
}

static struct actor *start(const char *function)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", TEST_FUNCTIONS, function);
    return actor_start(scene_handler(path));
}

static void ends(struct actor *a, enum worker_cause cause, const char *text)
{
    actor_until_ended(a);
    assert_string_equal(a->text, text);
    assert_int_equal(a->cause, cause);
    actor_forget(a);
    assert_int_equal(open_fds(), fds_before);
}

/* From when it is ready: how soon a worker gets ready is up to the machine. */
static void gets_little_time(struct actor *a)
{
    a->revision->manifest->timeout_ns = 400 * NS_PER_MS;
    worker_arm(a->w, clock_now_ns()); /* its timer is set for the end of the time it had to start */
}

static void a_worker_starts_serves_and_stops(void **unused)
{
    (void)unused;
    struct actor *a = start("lifecycle");
    assert_false(worker_can_take(a->w));
    actor_until_ready(a);
    assert_true(worker_can_take(a->w));
    assert_true(worker_pid(a->w) > 0);
    assert_int_equal(a->births, 1);
    actor_call(a);
    assert_int_equal(worker_load(a->w), 1);
    scene_until_answered(a, 1);
    assert_int_equal(a->results[0], WIRE_RESULT_OK);
    assert_int_equal(worker_load(a->w), 0);
    worker_stop(a->w);
    assert_true(worker_is_stopping(a->w));
    assert_false(worker_can_take(a->w));
    actor_until_ended(a);
    assert_string_equal(a->log, "started with nobody\nstopped\n");
    ends(a, WORKER_STOPPED, "stopped");
}

static void a_call_may_be_sent_ahead_of_ready(void **unused)
{
    (void)unused;
    struct actor *a = start("returns");
    assert_true(worker_can_take_ahead(a->w));
    actor_call_in_chain(a, 0, "in", "2");
    assert_false(worker_can_take_ahead(a->w)); /* one, not more */
    assert_false(worker_can_take(a->w));
    assert_int_equal(worker_load(a->w), 1);
    scene_until_answered(a, 1);
    assert_true(a->ready);
    assert_int_equal(a->results[0], WIRE_RESULT_REJECT);
    assert_false(worker_can_take_ahead(a->w));
    assert_true(worker_can_take(a->w));
    worker_stop(a->w);
    ends(a, WORKER_STOPPED, "stopped");
}

static void a_call_ahead_of_a_start_that_fails_is_not_guilty(void **unused)
{
    (void)unused;
    struct actor *a = start("ctor_crash");
    actor_call(a);
    actor_until_ended(a);
    assert_int_equal(a->guilty, -1);
    assert_int_equal(a->left, 1);
    ends(a, WORKER_CRASHED, "killed by SIGABRT (Aborted)");
}

/* Its time begins when it can begin: however long the start took. */
static void a_call_ahead_of_a_slow_start_has_its_own_time(void **unused)
{
    (void)unused;
    struct actor *a = start("slow");
    actor_call_in_chain(a, 0, "in", "600000");
    actor_until_ready(a);
    gets_little_time(a);
    actor_until_ended(a);
    assert_int_equal(a->guilty, 0);
    ends(a, WORKER_LATE, "did not finish within 400 ms (timeout)");
}

/* READY comes with its result: the recorder has to tell. */
static void a_call_ahead_that_crashes_is_guilty(void **unused)
{
    (void)unused;
    struct actor *a = start("misbehave");
    actor_call_in_chain(a, 0, "in", "abort");
    actor_until_ended(a);
    assert_true(a->was_ready);
    assert_int_equal(a->guilty, 0);
    ends(a, WORKER_CRASHED, "killed by SIGABRT (Aborted)");
}

static void a_call_ahead_that_lasts_is_known_to_run(void **unused)
{
    (void)unused;
    struct actor *a = start("slow");
    actor_call_in_chain(a, 0, "in", "2000");
    actor_until_ready(a);
    assert_int_equal(a->answered, 0);
    worker_stop(a->w); /* waits for it */
    actor_until_ended(a);
    assert_int_equal(a->answered, 1);
    assert_int_equal(a->results[0], WIRE_RESULT_OK);
    ends(a, WORKER_STOPPED, "stopped");
}

static void a_call_ahead_of_a_stop_is_left(void **unused)
{
    (void)unused;
    struct actor *a = start("ctor_hang");
    actor_call(a);
    worker_stop(a->w);
    actor_until_ended(a);
    assert_int_equal(a->left, 1);
    ends(a, WORKER_STOPPED, "stopped before it was ready");
}

static void each_call_has_its_own_result(void **unused)
{
    (void)unused;
    static const enum wire_result expected[] = {WIRE_RESULT_OK, WIRE_RESULT_RETRY, WIRE_RESULT_REJECT,
                                                WIRE_RESULT_RETRY};
    struct actor *a = start("returns");
    actor_until_ready(a);
    for (unsigned i = 0; i < 4; i++) {
        actor_call_in_chain(a, 0, "in", (const char *[]){"0", "1", "2", "42"}[i]);
        scene_until_answered(a, i + 1);
        assert_int_equal(a->results[i], expected[i]);
    }
    worker_stop(a->w);
    ends(a, WORKER_STOPPED, "stopped");
}

/* The kernel keeps it for a worker that is elsewhere: none is sent in pieces, a wake-up each. */
static void a_payload_of_256_KiB_leaves_in_one_piece(void **unused)
{
    (void)unused;
    static char payload[256 * 1024];
    memset(payload, '0', sizeof payload - 1);
    scene.manifest.limit_payload_bytes = sizeof payload;
    struct actor *a = start("returns");
    actor_until_ready(a);
    assert_int_equal(kill(worker_pid(a->w), SIGSTOP), 0);
    actor_call_in_chain(a, 0, "in", payload);
    scene_turn();
    assert_int_equal(buffer_length(&a->w->out), 0);
    assert_int_equal(kill(worker_pid(a->w), SIGCONT), 0);
    scene_until_answered(a, 1);
    assert_int_equal(a->results[0], WIRE_RESULT_OK);
    worker_stop(a->w);
    ends(a, WORKER_STOPPED, "stopped");
}

static void stopping_waits_for_the_calls_on_their_way(void **unused)
{
    (void)unused;
    struct actor *a = start("slow");
    actor_until_ready(a);
    actor_call_in_chain(a, 0, "in", "50");
    worker_stop(a->w);
    assert_true(worker_is_stopping(a->w));
    scene_until_answered(a, 1);
    assert_int_equal(a->results[0], WIRE_RESULT_OK);
    ends(a, WORKER_STOPPED, "stopped");
}

static void a_worker_stopped_before_it_is_ready_is_killed(void **unused)
{
    (void)unused;
    struct actor *a = start("ctor_hang");
    worker_stop(a->w);
    ends(a, WORKER_STOPPED, "stopped before it was ready");
}

static void a_constructor_that_hangs_is_late(void **unused)
{
    (void)unused;
    scene.manifest.timeout_ns = 300000000;
    ends(start("ctor_hang"), WORKER_LATE, "did not get ready within 300 ms (timeout)");
}

static void a_constructor_that_exits_is_a_crash(void **unused)
{
    (void)unused;
    ends(start("ctor_exit"), WORKER_CRASHED, "exited with status 0 without being asked to");
}

static void a_constructor_that_crashes_names_its_signal(void **unused)
{
    (void)unused;
    ends(start("ctor_crash"), WORKER_CRASHED, "killed by SIGABRT (Aborted)");
}

static void a_start_that_fails_says_so(void **unused)
{
    (void)unused;
    struct actor *a = start("start_fails");
    actor_until_ended(a);
    assert_false(a->ready);
    assert_non_null(strstr(a->text, "start() of start_fails.so returned"));
    assert_int_equal(a->cause, WORKER_FAILED);
    actor_forget(a);
}

static void a_worker_killed_from_outside_blames_the_call_it_ran(void **unused)
{
    (void)unused;
    struct actor *a = start("slow");
    actor_until_ready(a);
    actor_call_in_chain(a, 0, "in", "600000");
    scene_turn();
    kill(worker_pid(a->w), SIGKILL);
    actor_until_ended(a);
    assert_int_equal(a->guilty, 0);
    assert_int_equal(a->left, 1);
    ends(a, WORKER_CRASHED, "killed by SIGKILL (Killed)");
}

static struct actor *one_that_has_served(void)
{
    struct actor *a = start("slow");
    actor_until_ready(a);
    actor_call_in_chain(a, 0, "in", "0");
    scene_until_answered(a, 1);
    return a;
}

static void a_worker_that_freezes_between_two_calls_blames_neither(void **unused)
{
    (void)unused;
    struct actor *a = one_that_has_served();
    gets_little_time(a);
    assert_int_equal(kill(worker_pid(a->w), SIGSTOP), 0);
    actor_call_in_chain(a, 0, "in", "0");
    actor_until_ended(a);
    assert_int_equal(a->guilty, -1);
    assert_int_equal(a->left, 1);
    ends(a, WORKER_LATE, "did not finish within 400 ms (timeout)");
}

static void a_call_that_hangs_behind_another_is_to_blame(void **unused)
{
    (void)unused;
    struct actor *a = one_that_has_served();
    actor_call_in_chain(a, 0, "in", "600000");
    while (atomic_load(&a->w->recorder->call) != a->calls[1].id)
        scene_turn();
    gets_little_time(a);
    actor_until_ended(a);
    assert_int_equal(a->guilty, 1);
    assert_int_equal(a->left, 1);
    ends(a, WORKER_LATE, "did not finish within 400 ms (timeout)");
}

static void a_call_behind_a_failed_one_of_its_chain_is_skipped(void **unused)
{
    (void)unused;
    struct actor *a = start("returns");
    actor_until_ready(a);
    a->w->window.calls = 2; /* quick calls open it: how quick they are is up to the machine */
    actor_call_in_chain(a, 1, "in", "1");
    assert_true(worker_can_take(a->w));
    actor_call_in_chain(a, 1, "in", "0");
    scene_until_answered(a, 2);
    assert_int_equal(a->results[0], WIRE_RESULT_RETRY);
    assert_int_equal(a->results[1], WIRE_RESULT_SKIPPED);
    assert_false(a->ended);
    worker_stop(a->w);
    ends(a, WORKER_STOPPED, "stopped");
}

static void closing_the_io_kills_what_is_left(void **unused)
{
    (void)unused;
    struct actor *a = start("slow");
    actor_until_ready(a);
    actor_call_in_chain(a, 0, "in", "600000");
    scene_turn();
    scene_close();
    assert_true(a->ended);
    assert_string_equal(a->text, "killed");
    assert_int_equal(a->left, 1);
    actor_forget(a);
    scene_open(TEST_HARK_WORKER); /* for the teardown */
}

/* ---- memory of the dispatcher ---- */

static void bytes_that_find_no_memory_end_the_worker(void **unused)
{
    (void)unused;
    struct actor *a = actor_start(scene_script("half_a_frame"));
    actor_until_ready(a);
    actor_call(a);
    channel_flush(a->w); /* a turn might read what it sends, too */
    no_memory = true;
    actor_until_ended(a);
    no_memory = false;
    ends(a, WORKER_BROKEN, "no memory for what it sends");
}

static void outputs_that_cannot_be_kept_end_the_worker(void **unused)
{
    (void)unused;
    static char allowed[] = "allowed", *publishes[] = {allowed};
    scene.manifest.publishes = publishes;
    scene.manifest.publish_count = 1;
    struct actor *a = actor_start(scene_script("publish_then_crash"));
    a->cannot_keep = true;
    actor_until_ready(a);
    actor_call(a);
    actor_until_ended(a);
    assert_int_equal(a->outputs, 1);
    assert_int_equal(a->kept, 1);
    ends(a, WORKER_BROKEN, "no room");
}

/* epoll_ctl(2): no memory, or too many watches of this user. */
static void a_worker_that_cannot_be_polled_does_not_start(void **unused)
{
    (void)unused;
    for (int polls = 0; polls < 2; polls++) {
        polls_left = polls;
        struct actor *a = start("lifecycle");
        polls_left = -1;
        assert_false(worker_can_take_ahead(a->w));
        actor_until_ended(a);
        assert_false(a->was_ready);
        ends(a, WORKER_NO_FORK, "cannot be listened to: Cannot allocate memory");
    }
}

#define REAL(test) cmocka_unit_test_setup_teardown(test, open_real, close_all)
#define FAKE(test) cmocka_unit_test_setup_teardown(test, open_fake, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REAL(a_worker_starts_serves_and_stops),
        REAL(a_call_may_be_sent_ahead_of_ready),
        REAL(a_call_ahead_of_a_start_that_fails_is_not_guilty),
        REAL(a_call_ahead_of_a_slow_start_has_its_own_time),
        REAL(a_call_ahead_that_crashes_is_guilty),
        REAL(a_call_ahead_that_lasts_is_known_to_run),
        REAL(a_call_ahead_of_a_stop_is_left),
        REAL(each_call_has_its_own_result),
        REAL(a_payload_of_256_KiB_leaves_in_one_piece),
        REAL(stopping_waits_for_the_calls_on_their_way),
        REAL(a_worker_stopped_before_it_is_ready_is_killed),
        REAL(a_constructor_that_hangs_is_late),
        REAL(a_constructor_that_exits_is_a_crash),
        REAL(a_constructor_that_crashes_names_its_signal),
        REAL(a_start_that_fails_says_so),
        REAL(a_worker_killed_from_outside_blames_the_call_it_ran),
        REAL(a_worker_that_freezes_between_two_calls_blames_neither),
        REAL(a_call_that_hangs_behind_another_is_to_blame),
        REAL(a_call_behind_a_failed_one_of_its_chain_is_skipped),
        REAL(closing_the_io_kills_what_is_left),
        FAKE(bytes_that_find_no_memory_end_the_worker),
        FAKE(outputs_that_cannot_be_kept_end_the_worker),
        REAL(a_worker_that_cannot_be_polled_does_not_start),
    };
    return cmocka_run_group_tests_name("worker, life", tests, NULL, NULL);
}

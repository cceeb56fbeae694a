/* Workers that lie, hang, flood and crash: each ends with its exact reason, harms no one, leaks nothing. */
#include "dispatcher/worker_internal.h"
#include "shared/clock.h"
#include "worker_scene.h"

#include <string.h>

#define SHORT_NS (200 * NS_PER_MS)

static struct actor *bystander, *culprit;
static size_t fds_before;

static int open_scene(void **unused)
{
    (void)unused;
    scene_open(TEST_FAKE_ZYGOTE);
    bystander = actor_start(scene_script("good"));
    actor_until_ready(bystander);
    fds_before = open_fds();
    return 0;
}

static int close_scene(void **unused)
{
    (void)unused;
    if (bystander->w)
        worker_stop(bystander->w);
    actor_until_ended(bystander);
    assert_int_equal(bystander->cause, WORKER_STOPPED);
    assert_string_equal(bystander->text, "stopped");
    actor_forget(bystander);
    scene_close();
    return 0;
}

static void given(const char *script)
{
    culprit = actor_start(scene_script(script));
}

/* From when it is ready: how soon a worker gets ready is up to the machine. */
static void given_little_time_to_serve(const char *script)
{
    given(script);
    actor_until_ready(culprit);
    culprit->revision->manifest->timeout_ns = SHORT_NS;
    worker_arm(culprit->w, clock_now_ns()); /* its timer is set for the end of the time it had to start */
}

static void when_it_is_called(void)
{
    actor_until_ready(culprit);
    actor_call(culprit);
}

static void nobody_else_has_noticed(void)
{
    unsigned answered = bystander->answered;
    actor_call(bystander);
    scene_until_answered(bystander, answered + 1);
    assert_int_equal(bystander->results[answered], WIRE_RESULT_OK);
    assert_false(bystander->ended);
    assert_int_equal(bystander->log_lines, 0);
}

static void it_ends(enum worker_cause cause, const char *text)
{
    actor_until_ended(culprit);
    assert_string_equal(culprit->text, text);
    assert_int_equal(culprit->cause, cause);
    assert_int_equal(culprit->left, culprit->sent - culprit->answered);
    actor_forget(culprit); /* its handler is an fd of ours */
    nobody_else_has_noticed();
    assert_int_equal(open_fds(), fds_before);
}

/* The same, and its one call is to blame. */
static void it_ends_guilty(enum worker_cause cause, const char *text)
{
    actor_until_ended(culprit);
    assert_int_equal(culprit->guilty, 0);
    assert_int_equal(culprit->left, 1);
    it_ends(cause, text);
}

static void it_ends_without_guilt(enum worker_cause cause, const char *text)
{
    actor_until_ended(culprit);
    assert_int_equal(culprit->guilty, -1);
    it_ends(cause, text);
}

static void is_late_when_called(const char *script)
{
    given_little_time_to_serve(script);
    when_it_is_called();
    it_ends_guilty(WORKER_LATE, "did not finish within 200 ms (timeout)");
}

/* ---- frames ---- */

static void an_oversized_frame_is_not_waited_for(void **unused)
{
    (void)unused;
    given("oversized_frame");
    when_it_is_called();
    it_ends_guilty(WORKER_BROKEN, "it sent bytes that are no frame");
}

static void a_truncated_frame_and_an_exit_are_a_crash(void **unused)
{
    (void)unused;
    given("truncated_frame_then_exit");
    when_it_is_called();
    it_ends_guilty(WORKER_CRASHED, "exited with status 0 without being asked to");
}

static void a_truncated_frame_and_a_closed_channel_are_its_death(void **unused)
{
    (void)unused;
    given("truncated_frame_then_close");
    when_it_is_called();
    it_ends_guilty(WORKER_CRASHED, "killed by SIGKILL (Killed)");
}

static void an_unknown_type_is_no_frame(void **unused)
{
    (void)unused;
    given("unknown_type");
    when_it_is_called();
    it_ends_guilty(WORKER_BROKEN, "it sent bytes that are no frame");
}

static void type_zero_is_no_frame(void **unused)
{
    (void)unused;
    given("type_zero");
    when_it_is_called();
    it_ends_guilty(WORKER_BROKEN, "it sent bytes that are no frame");
}

static void a_worker_does_not_give_orders(void **unused)
{
    (void)unused;
    given("frame_of_the_dispatcher");
    when_it_is_called();
    it_ends_guilty(WORKER_BROKEN, "it sent a frame of the dispatcher's");
}

static void a_log_line_that_is_none_is_refused(void **unused)
{
    (void)unused;
    given("log_that_is_none");
    it_ends_without_guilt(WORKER_BROKEN, "it sent a log line that is none");
}

/* ---- results ---- */

static void a_result_of_no_call_is_refused(void **unused)
{
    (void)unused;
    given("result_for_no_call");
    it_ends_without_guilt(WORKER_BROKEN, "it answered a call that nobody made");
}

static void a_result_out_of_turn_is_refused(void **unused)
{
    (void)unused;
    given("result_out_of_turn");
    when_it_is_called();
    it_ends_guilty(WORKER_BROKEN, "it answered a call out of turn");
}

static void of_two_results_the_first_counts(void **unused)
{
    (void)unused;
    given("result_twice");
    when_it_is_called();
    actor_until_ended(culprit);
    assert_int_equal(culprit->answered, 1);
    it_ends_without_guilt(WORKER_BROKEN, "it answered a call that nobody made");
}

static void a_result_that_is_none_is_refused(void **unused)
{
    (void)unused;
    given("result_that_is_none");
    when_it_is_called();
    it_ends_guilty(WORKER_BROKEN, "it sent a result that is none");
}

static void a_call_is_skipped_only_after_one_of_its_chain(void **unused)
{
    (void)unused;
    given("skips_every_call");
    actor_until_ready(culprit);
    actor_call_in_chain(culprit, 7, "in", "x");
    it_ends_guilty(WORKER_BROKEN, "it skipped a call that it had to run");
}

static void results_before_a_crash_count(void **unused)
{
    (void)unused;
    given("answers_then_crashes");
    when_it_is_called();
    actor_until_ended(culprit);
    assert_int_equal(culprit->answered, 1);
    it_ends_without_guilt(WORKER_CRASHED, "killed by SIGABRT (Aborted)");
}

/* ---- outputs ---- */

static void a_forbidden_output_ends_the_worker(void **unused)
{
    (void)unused;
    given("publish_not_allowed");
    when_it_is_called();
    actor_until_ended(culprit);
    assert_int_equal(culprit->outputs, 0);
    it_ends_guilty(WORKER_BROKEN, "it published to a topic that its manifest does not allow");
}

static void outputs_of_a_call_that_crashes_come_without_a_result(void **unused)
{
    (void)unused;
    given("publish_then_crash");
    when_it_is_called();
    actor_until_ended(culprit);
    assert_int_equal(culprit->outputs, 1);
    assert_int_equal(culprit->answered, 0);
    it_ends_guilty(WORKER_CRASHED, "killed by SIGSEGV (Segmentation fault)");
}

static void an_output_before_ready_is_refused(void **unused)
{
    (void)unused;
    given("publish_before_ready");
    actor_until_ended(culprit);
    assert_false(culprit->was_ready);
    it_ends_without_guilt(WORKER_BROKEN, "it answered a call that nobody made");
}

static void an_output_of_no_call_is_refused(void **unused)
{
    (void)unused;
    given("publish_while_idle");
    it_ends_without_guilt(WORKER_BROKEN, "it answered a call that nobody made");
}

/* ---- life ---- */

static void ready_is_said_once(void **unused)
{
    (void)unused;
    given("ready_twice");
    it_ends_without_guilt(WORKER_BROKEN, "it said READY twice");
}

static void stopped_is_said_when_asked(void **unused)
{
    (void)unused;
    given("stopped_unasked");
    it_ends_without_guilt(WORKER_BROKEN, "it stopped without being asked to");
}

static void a_failed_start_says_why(void **unused)
{
    (void)unused;
    given("fails");
    actor_until_ended(culprit);
    assert_false(culprit->was_ready);
    it_ends_without_guilt(WORKER_FAILED, "no such luck");
}

static void a_worker_that_has_failed_cannot_serve(void **unused)
{
    (void)unused;
    given("fails_then_serves");
    actor_until_ended(culprit);
    assert_false(culprit->ready || culprit->was_ready);
    it_ends_without_guilt(WORKER_FAILED, "no such luck");
}

static void a_worker_that_serves_cannot_fail_to_start(void **unused)
{
    (void)unused;
    given("fails_late");
    it_ends_without_guilt(WORKER_BROKEN, "it failed to start after it had started");
}

static void a_worker_that_closes_its_channel_is_killed(void **unused)
{
    (void)unused;
    given("closes_its_channel");
    it_ends_without_guilt(WORKER_CRASHED, "killed by SIGKILL (Killed)");
}

static void closing_the_channel_in_a_call_is_that_calls_fault(void **unused)
{
    (void)unused;
    given("closes_instead_of_a_result");
    when_it_is_called();
    it_ends_guilty(WORKER_CRASHED, "killed by SIGKILL (Killed)");
}

static void a_crash_names_its_signal_and_its_call(void **unused)
{
    (void)unused;
    given("crashes");
    when_it_is_called();
    it_ends_guilty(WORKER_CRASHED, "killed by SIGSEGV (Segmentation fault)");
}

static void exit_in_a_call_is_a_crash(void **unused)
{
    (void)unused;
    given("exits_in_a_call");
    when_it_is_called();
    it_ends_guilty(WORKER_CRASHED, "exited with status 0 without being asked to");
}

static void what_a_dead_worker_leaves_behind_cannot_hold_the_loop(void **unused)
{
    (void)unused;
    given("leaves_talkers");
    it_ends_without_guilt(WORKER_CRASHED, "exited with status 5 without being asked to");
}

/* ---- time ---- */

static void a_worker_that_never_gets_ready_is_late(void **unused)
{
    (void)unused;
    scene.manifest.timeout_ns = SHORT_NS;
    given("never_ready");
    it_ends_without_guilt(WORKER_LATE, "did not get ready within 200 ms (timeout)");
}

static void log_lines_do_not_buy_time_to_start(void **unused)
{
    (void)unused;
    scene.manifest.timeout_ns = SHORT_NS;
    given("trickle_instead_of_ready");
    it_ends_without_guilt(WORKER_LATE, "did not get ready within 200 ms (timeout)");
}

static void log_lines_do_not_buy_time_for_a_call(void **unused)
{
    (void)unused;
    is_late_when_called("trickle_instead_of_a_result");
}

static void a_call_that_hangs_is_late(void **unused)
{
    (void)unused;
    is_late_when_called("hangs");
}

static void a_recorder_that_names_a_future_call_is_not_believed(void **unused)
{
    (void)unused;
    is_late_when_called("recorder_names_a_future_call");
}

static void a_start_in_the_future_is_not_believed(void **unused)
{
    (void)unused;
    is_late_when_called("recorder_starts_in_the_future");
}

static void a_start_that_moves_on_buys_one_timeout_at_most(void **unused)
{
    (void)unused;
    uint64_t since_ns = clock_now_ns();
    is_late_when_called("recorder_moves_on_and_on");
    assert_in_range(clock_now_ns() - since_ns, SHORT_NS, GUARD_MS * NS_PER_MS);
}

static void a_worker_that_ignores_stop_is_late(void **unused)
{
    (void)unused;
    given_little_time_to_serve("ignores_stop");
    worker_stop(culprit->w);
    it_ends_without_guilt(WORKER_LATE, "did not finish within 200 ms (timeout)");
}

static void a_worker_that_only_closes_when_stopped_is_late(void **unused)
{
    (void)unused;
    given_little_time_to_serve("closes_when_stopped");
    worker_stop(culprit->w);
    it_ends_without_guilt(WORKER_LATE, "did not finish within 200 ms (timeout)");
}

static void an_exit_code_on_stop_is_a_crash(void **unused)
{
    (void)unused;
    given("fails_when_stopped");
    actor_until_ready(culprit);
    worker_stop(culprit->w);
    it_ends_without_guilt(WORKER_CRASHED, "exited with status 3 without being asked to");
}

static void a_killed_worker_ends_as_stopped(void **unused)
{
    (void)unused;
    given("hangs");
    when_it_is_called();
    worker_kill(culprit->w);
    it_ends_without_guilt(WORKER_STOPPED, "killed");
}

/* ---- memory and output ---- */

static void the_flight_recorder_keeps_its_size(void **unused)
{
    (void)unused;
    given("tampers_with_the_recorder");
    when_it_is_called();
    scene_until_answered(culprit, 1);
    assert_string_equal(culprit->log, "shrink: EPERM\ngrow: EPERM\n");
    worker_kill(culprit->w);
    it_ends_without_guilt(WORKER_STOPPED, "killed");
}

static void a_line_without_end_comes_in_bounded_pieces(void **unused)
{
    (void)unused;
    given("floods_its_output");
    when_it_is_called();
    scene_until_answered(culprit, 1);
    while (culprit->log_bytes < 1000003)
        scene_turn();
    assert_int_equal(culprit->longest_line, WIRE_LOG_TEXT_MAX);
    assert_int_equal(culprit->log_bytes, 1000003);
    /* The last piece is full as well: its end makes a line of nothing. */
    assert_in_range(culprit->log_lines, 251, 252);
    worker_kill(culprit->w);
    it_ends_without_guilt(WORKER_STOPPED, "killed");
}

static void a_worker_may_close_its_output(void **unused)
{
    (void)unused;
    given("closes_its_output");
    when_it_is_called();
    scene_until_answered(culprit, 1);
    worker_kill(culprit->w);
    it_ends_without_guilt(WORKER_STOPPED, "killed");
}

#define HOSTILE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTILE(an_oversized_frame_is_not_waited_for),
        HOSTILE(a_truncated_frame_and_an_exit_are_a_crash),
        HOSTILE(a_truncated_frame_and_a_closed_channel_are_its_death),
        HOSTILE(an_unknown_type_is_no_frame),
        HOSTILE(type_zero_is_no_frame),
        HOSTILE(a_worker_does_not_give_orders),
        HOSTILE(a_log_line_that_is_none_is_refused),
        HOSTILE(a_result_of_no_call_is_refused),
        HOSTILE(a_result_out_of_turn_is_refused),
        HOSTILE(of_two_results_the_first_counts),
        HOSTILE(a_result_that_is_none_is_refused),
        HOSTILE(a_call_is_skipped_only_after_one_of_its_chain),
        HOSTILE(results_before_a_crash_count),
        HOSTILE(a_forbidden_output_ends_the_worker),
        HOSTILE(outputs_of_a_call_that_crashes_come_without_a_result),
        HOSTILE(an_output_before_ready_is_refused),
        HOSTILE(an_output_of_no_call_is_refused),
        HOSTILE(ready_is_said_once),
        HOSTILE(stopped_is_said_when_asked),
        HOSTILE(a_failed_start_says_why),
        HOSTILE(a_worker_that_has_failed_cannot_serve),
        HOSTILE(a_worker_that_serves_cannot_fail_to_start),
        HOSTILE(a_worker_that_closes_its_channel_is_killed),
        HOSTILE(closing_the_channel_in_a_call_is_that_calls_fault),
        HOSTILE(a_crash_names_its_signal_and_its_call),
        HOSTILE(exit_in_a_call_is_a_crash),
        HOSTILE(what_a_dead_worker_leaves_behind_cannot_hold_the_loop),
        HOSTILE(a_worker_that_never_gets_ready_is_late),
        HOSTILE(log_lines_do_not_buy_time_to_start),
        HOSTILE(log_lines_do_not_buy_time_for_a_call),
        HOSTILE(a_call_that_hangs_is_late),
        HOSTILE(a_recorder_that_names_a_future_call_is_not_believed),
        HOSTILE(a_start_in_the_future_is_not_believed),
        HOSTILE(a_start_that_moves_on_buys_one_timeout_at_most),
        HOSTILE(a_worker_that_ignores_stop_is_late),
        HOSTILE(a_worker_that_only_closes_when_stopped_is_late),
        HOSTILE(an_exit_code_on_stop_is_a_crash),
        HOSTILE(a_killed_worker_ends_as_stopped),
        HOSTILE(the_flight_recorder_keeps_its_size),
        HOSTILE(a_line_without_end_comes_in_bounded_pieces),
        HOSTILE(a_worker_may_close_its_output),
    };
    return cmocka_run_group_tests_name("worker, hostile", tests, NULL, NULL);
}

/* worker_test.c: a worker serves: calls in, outputs and results out, nothing lost and nothing held back. */
#include "zygote_harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { MANY = 1000 };

static void outputs_come_before_their_result(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    worker_invoke(&w, 7, "in", "hello");
    worker_expect_publish(&w, 7, "out/in", "hello");
    worker_expect_result(&w, 7, WIRE_RESULT_OK);
    worker_release(&w);
}

static void a_reply_carries_the_payload(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    assert_string_equal(worker_ask(&w, 1, "who is there"), "who is there");
    worker_release(&w);
}

static void a_message_passes_through_with_all_its_properties(void **unused)
{
    (void)unused;
    static const struct property sent[] = {{{"a", 1}, {"1", 1}}, {{"a", 1}, {"2", 1}}};
    struct property got[WIRE_PROPERTIES_MAX];
    struct wire_invoke invoke = {.message = {.topic = slice_of("full/x"),
                                             .payload = slice_make("a\0b", 3),
                                             .content_type = slice_of("text/plain"),
                                             .correlation = slice_make("\0\1", 2),
                                             .properties = sent,
                                             .property_count = 2,
                                             .expiry_s = 60,
                                             .qos = 2,
                                             .retained = true}};
    struct wire_message m;
    struct worker w = worker_start("relay");
    worker_invoke_with(&w, 1, &invoke);
    assert_int_equal(wire_get_publish(worker_expect(&w, WIRE_PUBLISH, 1).body, &m, got), 0);
    assert_string_equal(m.topic.data, "out/full/x");
    assert_true(slice_equal(m.payload, invoke.message.payload));
    assert_true(slice_equal(m.content_type, invoke.message.content_type));
    assert_true(slice_equal(m.correlation, invoke.message.correlation));
    assert_null(m.response_topic.data);
    assert_int_equal(m.property_count, 2);
    assert_string_equal(m.properties[1].value.data, "2");
    assert_int_equal(m.expiry_s, 60);
    assert_int_equal(m.qos, 2);
    assert_true(m.retained);
    worker_release(&w);
}

static void a_timer_event_has_no_topic(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    worker_invoke(&w, 1, NULL, NULL);
    worker_expect_publish(&w, 1, "out/timer", "");
    worker_release(&w);
}

static void put_call(struct buffer *frames, uint64_t call, uint64_t chain, const char *payload)
{
    struct wire_invoke invoke = {
        .chain = chain, .attempt = 1, .message = {.topic = slice_of("in"), .payload = slice_of(payload)}};
    wire_put_invoke(frames, call, &invoke);
}

static void a_thousand_calls_in_one_write_are_answered_in_order(void **unused)
{
    (void)unused;
    struct worker w = worker_start("counter");
    struct buffer frames = {0};
    for (uint64_t call = 1; call <= MANY; call++)
        put_call(&frames, call, 0, "x");
    worker_send(&w, &frames);
    buffer_finish(&frames);
    for (uint64_t call = 1; call <= MANY; call++) {
        char count[8];
        snprintf(count, sizeof count, "%u", (unsigned)call);
        worker_expect_publish(&w, call, "out/count", count);
        worker_expect_result(&w, call, WIRE_RESULT_OK);
    }
    worker_release(&w);
}

static void a_call_that_comes_in_pieces_is_handled_once(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    struct buffer frames = {0};
    put_call(&frames, 1, 0, "in pieces");
    for (; buffer_length(&frames); buffer_consume(&frames, 1))
        assert_int_equal(send(w.channel, buffer_data(&frames), 1, 0), 1);
    buffer_finish(&frames);
    worker_expect_publish(&w, 1, "out/in", "in pieces");
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    worker_release(&w);
}

static void a_message_larger_than_the_buffers_passes(void **unused)
{
    (void)unused;
    enum { LEN = 3 << 20 };
    struct worker w = worker_start("relay");
    char *payload = malloc(LEN + 1);
    memset(payload, 'x', LEN);
    payload[LEN] = '\0';
    worker_invoke(&w, 1, "in", payload);
    worker_expect_publish(&w, 1, "out/in", payload);
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    free(payload);
    worker_release(&w);
}

static void ten_thousand_outputs_of_one_call_all_come(void **unused)
{
    (void)unused;
    struct worker w = worker_start("burst");
    worker_invoke(&w, 1, "in", "10000");
    for (int i = 1; i <= 10000; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i);
        worker_expect_publish(&w, 1, "out/burst", number);
    }
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    worker_release(&w);
}

static void a_call_that_fails_publishes_nothing(void **unused)
{
    (void)unused;
    struct worker w = worker_start("returns");
    worker_invoke(&w, 1, "in", "1");
    worker_expect_result(&w, 1, WIRE_RESULT_RETRY);
    worker_invoke(&w, 2, "in", "2");
    worker_expect_result(&w, 2, WIRE_RESULT_REJECT);
    worker_invoke(&w, 3, "in", "0");
    worker_expect_publish(&w, 3, "out/returns", "0");
    worker_expect_result(&w, 3, WIRE_RESULT_OK);
    worker_release(&w);
}

static void a_strange_return_value_is_a_retry_and_said(void **unused)
{
    (void)unused;
    struct worker w = worker_start("returns");
    worker_invoke(&w, 1, "in", "42");
    worker_expect_publish(&w, 1, "out/returns", "42"); /* sent along with the line, for hark to drop */
    worker_expect_log(
        &w, 1, 2,
        "handle() returned 42, which is no enum hark_result: a retry, as each such value is from now "
        "on; return HARK_OK (0), HARK_RETRY (1), HARK_REJECT (2) or a negative errno");
    worker_expect_result(&w, 1, WIRE_RESULT_RETRY);
    worker_invoke(&w, 2, "in", "-13");
    worker_expect_publish(&w, 2, "out/returns", "-13");
    worker_expect_log(&w, 2, 2, "handle() returned -13 (Permission denied): a retry");
    worker_expect_result(&w, 2, WIRE_RESULT_RETRY);
    worker_invoke(&w, 3, "in", "7"); /* no line: it was said */
    worker_expect_result(&w, 3, WIRE_RESULT_RETRY);
    worker_release(&w);
}

static void after_a_failure_the_rest_of_its_chain_is_skipped(void **unused)
{
    (void)unused;
    struct worker w = worker_start("returns");
    struct buffer frames = {0};
    put_call(&frames, 1, 5, "1"); /* fails */
    put_call(&frames, 2, 5, "0");
    put_call(&frames, 3, 6, "2"); /* fails, another chain */
    put_call(&frames, 4, 7, "0");
    put_call(&frames, 5, 5, "0");
    put_call(&frames, 6, 6, "0");
    put_call(&frames, 7, 0, "1"); /* fails, no chain */
    put_call(&frames, 8, 0, "2");
    worker_send(&w, &frames);
    buffer_finish(&frames);
    worker_expect_result(&w, 1, WIRE_RESULT_RETRY);
    worker_expect_result(&w, 2, WIRE_RESULT_SKIPPED);
    worker_expect_result(&w, 3, WIRE_RESULT_REJECT);
    worker_expect_publish(&w, 4, "out/returns", "0");
    worker_expect_result(&w, 4, WIRE_RESULT_OK);
    worker_expect_result(&w, 5, WIRE_RESULT_SKIPPED);
    worker_expect_result(&w, 6, WIRE_RESULT_SKIPPED);
    worker_expect_result(&w, 7, WIRE_RESULT_RETRY);
    worker_expect_result(&w, 8, WIRE_RESULT_REJECT);
    worker_release(&w);
}

static void a_slow_call_does_not_hold_back_finished_results(void **unused)
{
    (void)unused;
    struct worker w = worker_start("slow");
    struct buffer frames = {0};
    put_call(&frames, 1, 0, "5");
    put_call(&frames, 2, 0, "3600000");
    worker_send(&w, &frames);
    buffer_finish(&frames);
    worker_expect_publish(&w, 1, "out/slow", "5");
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    worker_release(&w);
}

static void a_function_sees_its_call_its_captures_and_its_config(void **unused)
{
    (void)unused;
    struct worker w = worker_start("peek");
    struct wire_invoke invoke = {.attempt = 2,
                                 .timeout_ns = 2000000000,
                                 .captures = {.count = 1, .items = {{slice_of("room"), slice_of("kitchen")}}},
                                 .message = {.topic = slice_of("in"),
                                             .payload = slice_of("context"),
                                             .response_topic = slice_of("me")}};
    struct slice reply;
    worker_invoke_with(&w, 1, &invoke);
    assert_int_equal(wire_get_reply(worker_expect(&w, WIRE_REPLY, 1).body, &reply), 0);
    assert_string_equal(reply.data, "attempt=2 budget=right room=kitchen none=NULL setpoint=21.5");
    worker_release(&w);
}

static void a_function_has_no_descriptor_but_four(void **unused)
{
    (void)unused;
    struct worker w = worker_start("peek");
    assert_string_equal(worker_ask(&w, 1, "fds"), "0 1 2 3 ");
    worker_release(&w);
}

static void a_function_has_no_environment(void **unused)
{
    (void)unused;
    struct worker w = worker_start("peek");
    assert_string_equal(worker_ask(&w, 1, "environ"), "nothing");
    worker_release(&w);
}

static void printed_lines_and_log_lines_come_out(void **unused)
{
    (void)unused;
    struct worker w = worker_start("chatty");
    worker_invoke(&w, 1, "level/1", "hello");
    worker_expect_output(&w, "stdout hello\nstderr hello\n");
    worker_expect_log(&w, 1, 1, "log hello");
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    worker_invoke(&w, 2, "level/0", "quiet");
    worker_expect_log(&w, 2, 0, "log quiet");
    worker_release(&w);
}

static void half_a_line_comes_out_when_the_call_ends(void **unused)
{
    (void)unused;
    struct worker w = worker_start("chatty");
    worker_invoke(&w, 1, "level/1", "half");
    worker_expect_output(&w, "half a line");
    worker_release(&w);
}

static void a_crash_takes_no_line_along(void **unused)
{
    (void)unused;
    struct worker w = worker_start("chatty");
    worker_invoke(&w, 1, "level/1", "crash");
    worker_expect_output(&w, "stdout crash\nstderr crash\n");
    worker_expect_log(&w, 1, 1, "log crash");
    worker_expect_end_of_channel(&w);
    worker_expect_exit(&w, SIGNALLED(SIGABRT));
    worker_release(&w);
}

static void the_recorder_names_the_call_that_crashed(void **unused)
{
    (void)unused;
    struct worker w = worker_start("misbehave");
    struct buffer frames = {0};
    assert_int_equal(w.recorder->call, 0);
    put_call(&frames, 11, 0, "fine");
    put_call(&frames, 12, 0, "abort");
    put_call(&frames, 13, 0, "fine");
    worker_send(&w, &frames);
    buffer_finish(&frames);
    worker_expect_exit(&w, SIGNALLED(SIGABRT));
    assert_int_equal(w.recorder->call, 12);
    assert_true(w.recorder->start_ns > 0);
    worker_release(&w);
}

static void between_calls_the_recorder_is_empty(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    worker_invoke(&w, 1, "in", "x");
    worker_expect_publish(&w, 1, "out/in", "x");
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    assert_int_equal(w.recorder->call, 0);
    assert_true(w.recorder->start_ns > 0);
    worker_release(&w);
}

static void stop_runs_stop_and_says_so(void **unused)
{
    (void)unused;
    static const struct property config[] = {{{"who", 3}, {"me", 2}}};
    struct worker w = worker_fork("lifecycle", 0);
    struct wire_setup setup = worker_default_setup("lifecycle");
    setup.config = config;
    worker_send_setup(&w, &setup);
    worker_expect_log(&w, 0, 1, "started with me");
    worker_expect(&w, WIRE_READY, 0);
    worker_invoke(&w, 1, "in", "x");
    worker_expect_result(&w, 1, WIRE_RESULT_OK);
    worker_send_stop(&w);
    worker_expect_log(&w, 0, 1, "stopped");
    worker_expect(&w, WIRE_STOPPED, 0);
    worker_expect_end_of_channel(&w);
    worker_expect_exit(&w, EXITED(0));
    worker_release(&w);
}

static void without_the_dispatcher_it_ends_at_once(void **unused)
{
    (void)unused;
    struct worker w = worker_fork("lifecycle", 0);
    struct wire_setup setup = worker_default_setup("lifecycle");
    worker_send_setup(&w, &setup);
    worker_expect_log(&w, 0, 1, "started with nobody");
    worker_expect(&w, WIRE_READY, 0);
    shutdown(w.channel, SHUT_WR);
    worker_expect_end_of_channel(&w); /* no "stopped": stop() is for a rest, not for an end like this */
    worker_expect_exit(&w, EXITED(0));
    worker_release(&w);
}

static void a_frame_that_is_none_ends_it_with_a_line(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    assert_int_equal(send(w.channel, "this is no frame", 16, 0), 16);
    worker_expect_output(&w, "hark-worker: the dispatcher sent what is no frame\n");
    worker_expect_exit(&w, EXITED(EX_SOFTWARE));
    worker_release(&w);
}

static void a_frame_for_the_dispatcher_ends_it_with_a_line(void **unused)
{
    (void)unused;
    struct worker w = worker_start("relay");
    struct buffer frames = {0};
    wire_put_empty(&frames, WIRE_READY);
    worker_send(&w, &frames);
    buffer_finish(&frames);
    worker_expect_output(&w, "hark-worker: the dispatcher sent a frame that is not for a worker\n");
    worker_expect_exit(&w, EXITED(EX_SOFTWARE));
    worker_release(&w);
}

/* The sanitizer's own memory cannot be limited, and its malloc never returns NULL. */
static bool memory_is_limited(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return false;
#else
    return true;
#endif
#else
    return true;
#endif
}

static struct worker start_greedy(void)
{
    if (!memory_is_limited())
        skip();
    struct worker w = worker_fork("greedy", 32 << 20);
    struct wire_setup setup = worker_default_setup("greedy");
    worker_send_setup(&w, &setup);
    worker_expect(&w, WIRE_READY, 0);
    return w;
}

static void a_function_gets_no_more_memory_than_its_limit(void **unused)
{
    (void)unused;
    struct worker w = start_greedy();
    assert_string_equal(worker_ask(&w, 1, "give back"), "full");
    assert_string_equal(worker_ask(&w, 2, "give back"), "full");
    worker_release(&w);
}

static void results_still_come_when_the_function_took_all_memory(void **unused)
{
    (void)unused;
    struct worker w = start_greedy();
    assert_string_equal(worker_ask(&w, 1, "keep"), "full");
    assert_string_equal(worker_ask(&w, 2, "keep"), "full");
    worker_release(&w);
}

static void a_message_that_finds_no_memory_ends_only_this_worker(void **unused)
{
    (void)unused;
    enum { LEN = 4 << 20 };
    struct worker w = start_greedy();
    assert_string_equal(worker_ask(&w, 1, "keep"), "full");
    struct wire_header header = {.length = LEN, .type = WIRE_INVOKE, .call = 2};
    assert_int_equal(send(w.channel, &header, sizeof header, 0), sizeof header);
    worker_expect_output(&w, "hark-worker: cannot receive a message: Cannot allocate memory\n");
    worker_expect_exit(&w, EXITED(EX_SOFTWARE));
    worker_release(&w);
    w = worker_start("relay");
    worker_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ZYGOTE(outputs_come_before_their_result),
        WITH_ZYGOTE(a_reply_carries_the_payload),
        WITH_ZYGOTE(a_message_passes_through_with_all_its_properties),
        WITH_ZYGOTE(a_timer_event_has_no_topic),
        WITH_ZYGOTE(a_thousand_calls_in_one_write_are_answered_in_order),
        WITH_ZYGOTE(a_call_that_comes_in_pieces_is_handled_once),
        WITH_ZYGOTE(a_message_larger_than_the_buffers_passes),
        WITH_ZYGOTE(ten_thousand_outputs_of_one_call_all_come),
        WITH_ZYGOTE(a_call_that_fails_publishes_nothing),
        WITH_ZYGOTE(a_strange_return_value_is_a_retry_and_said),
        WITH_ZYGOTE(after_a_failure_the_rest_of_its_chain_is_skipped),
        WITH_ZYGOTE(a_slow_call_does_not_hold_back_finished_results),
        WITH_ZYGOTE(a_function_sees_its_call_its_captures_and_its_config),
        WITH_ZYGOTE(a_function_has_no_descriptor_but_four),
        WITH_ZYGOTE(a_function_has_no_environment),
        WITH_ZYGOTE(printed_lines_and_log_lines_come_out),
        WITH_ZYGOTE(half_a_line_comes_out_when_the_call_ends),
        WITH_ZYGOTE(a_crash_takes_no_line_along),
        WITH_ZYGOTE(the_recorder_names_the_call_that_crashed),
        WITH_ZYGOTE(between_calls_the_recorder_is_empty),
        WITH_ZYGOTE(stop_runs_stop_and_says_so),
        WITH_ZYGOTE(without_the_dispatcher_it_ends_at_once),
        WITH_ZYGOTE(a_frame_that_is_none_ends_it_with_a_line),
        WITH_ZYGOTE(a_frame_for_the_dispatcher_ends_it_with_a_line),
        WITH_ZYGOTE(a_function_gets_no_more_memory_than_its_limit),
        WITH_ZYGOTE(results_still_come_when_the_function_took_all_memory),
        WITH_ZYGOTE(a_message_that_finds_no_memory_ends_only_this_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

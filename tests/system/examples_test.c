/* examples_test.c: the example functions do what their comments promise. */
#include "zygote_harness.h"

#include <stdio.h>

/* The harness looks in tests/functions. */
#define EXAMPLE(name) "../../functions/" name

static uint64_t last_call;

/* One message with one captured level; the outputs are the caller's to expect, under the call returned. */
static uint64_t tell(struct worker *w, const char *name, const char *value, const char *payload)
{
    char topic[128];
    snprintf(topic, sizeof topic, "in/%s", value);
    struct wire_invoke invoke = {.captures = {.count = 1, .items = {{slice_of(name), slice_of(value)}}},
                                 .message = {.topic = slice_of(topic),
                                             .payload = slice_of(payload),
                                             .response_topic = slice_of("me")}};
    worker_invoke_with(w, ++last_call, &invoke);
    return last_call;
}

static struct worker start_example(const char *name, const struct property *config, uint32_t config_count)
{
    static const struct slice publishes[] = {
        {"home/{room}/heater", 18}, {"home/{room}/alarm", 17}, {"home/digest", 11}};
    struct worker w = worker_fork(name, 0);
    struct wire_setup setup = worker_default_setup("example");
    setup.config = config;
    setup.config_count = config_count;
    setup.publishes = publishes;
    setup.publish_count = 3;
    worker_send_setup(&w, &setup);
    return w;
}

static const struct property thermostat_config[] = {{{"setpoint", 8}, {"21.5", 4}},
                                                    {{"hysteresis", 10}, {"0.5", 3}}};

static struct worker start_thermostat(void)
{
    struct worker w = start_example(EXAMPLE("thermostat"), thermostat_config, 2);
    worker_expect(&w, WIRE_READY, 0);
    return w;
}

static void the_thermostat_switches_the_heater_of_the_room(void **unused)
{
    (void)unused;
    struct worker w = start_thermostat();
    uint64_t cold = tell(&w, "room", "kitchen", "19.0"), warm = tell(&w, "room", "hall", "23"),
             right = tell(&w, "room", "hall", "21.7");
    worker_expect_publish(&w, cold, "home/kitchen/heater", "on");
    worker_expect_result(&w, cold, WIRE_RESULT_OK);
    worker_expect_publish(&w, warm, "home/hall/heater", "off");
    worker_expect_result(&w, warm, WIRE_RESULT_OK);
    worker_expect_result(&w, right, WIRE_RESULT_OK);
    worker_release(&w);
}

static void the_thermostat_rejects_what_is_no_temperature(void **unused)
{
    (void)unused;
    static const char *const strange[] = {"", "warm", "21.5 degrees", "nan", "1e999"};
    struct worker w = start_thermostat();
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        uint64_t call = tell(&w, "room", "hall", strange[i]);
        worker_expect(&w, WIRE_LOG, call);
        worker_expect_result(&w, call, WIRE_RESULT_REJECT);
    }
    worker_release(&w);
}

static void the_thermostat_does_not_start_without_its_config(void **unused)
{
    (void)unused;
    struct worker w = start_example(EXAMPLE("thermostat"), thermostat_config, 1);
    worker_expect_log(&w, 0, 3, "config: hysteresis must be a number, such as \"21.5\"");
    worker_expect_failed(&w, "start() of example.so returned -1 instead of 0: its log may say why");
    worker_release(&w);
}

static void the_answer_is(struct worker *w, const char *op, const char *payload, const char *answer)
{
    struct slice reply;
    uint64_t call = tell(w, "op", op, payload);
    assert_int_equal(wire_get_reply(worker_expect(w, WIRE_REPLY, call).body, &reply), 0);
    assert_string_equal(reply.data, answer);
    worker_expect_result(w, call, WIRE_RESULT_OK);
}

static void the_calculator_answers_also_bad_questions(void **unused)
{
    (void)unused;
    struct worker w = start_example(EXAMPLE("calculator"), NULL, 0);
    worker_expect(&w, WIRE_READY, 0);
    the_answer_is(&w, "add", "2 3", "5");
    the_answer_is(&w, "sub", "2 3", "-1");
    the_answer_is(&w, "mul", "6 7", "42");
    the_answer_is(&w, "div", "1 8", "0.125");
    the_answer_is(&w, "div", "1 0", "error: division by zero");
    the_answer_is(&w, "pow", "2 3", "error: the operations are add, sub, mul and div");
    the_answer_is(&w, "add", "2", "error: send two numbers, such as '2 3'");
    the_answer_is(&w, "add", "2 3 4", "error: send two numbers, such as '2 3'");
    worker_release(&w);
}

static void the_calculator_rejects_a_question_without_a_return_address(void **unused)
{
    (void)unused;
    struct worker w = start_example(EXAMPLE("calculator"), NULL, 0);
    worker_expect(&w, WIRE_READY, 0);
    worker_invoke(&w, 1, "calc/add", "no numbers");
    worker_expect_log(&w, 1, 2, "a request without a response topic: nobody to answer to");
    worker_expect_result(&w, 1, WIRE_RESULT_REJECT);
    worker_release(&w);
}

static void the_reading_gives(struct worker *w, const char *room, const char *reading, const char *alarm)
{
    char topic[64];
    snprintf(topic, sizeof topic, "home/%s/alarm", room);
    uint64_t call = tell(w, "room", room, reading);
    if (alarm)
        worker_expect_publish(w, call, topic, alarm);
    worker_expect_result(w, call, WIRE_RESULT_OK);
}

static void the_alarm_rings_until_the_air_was_clear_three_times(void **unused)
{
    (void)unused;
    struct worker w = start_example(EXAMPLE("alarm"), NULL, 0);
    worker_expect(&w, WIRE_READY, 0);
    the_reading_gives(&w, "cellar", "1", "on");
    the_reading_gives(&w, "cellar", "1", NULL);
    the_reading_gives(&w, "attic", "0", "off");
    the_reading_gives(&w, "cellar", "0", NULL);
    the_reading_gives(&w, "cellar", "0", NULL);
    the_reading_gives(&w, "cellar", "1", NULL);
    the_reading_gives(&w, "cellar", "0", NULL);
    the_reading_gives(&w, "cellar", "0", NULL);
    the_reading_gives(&w, "cellar", "0", "off");
    worker_release(&w);
}

static void the_alarm_rejects_what_is_no_reading(void **unused)
{
    (void)unused;
    static const char *const strange[] = {"", "2", "10", "yes"};
    struct worker w = start_example(EXAMPLE("alarm"), NULL, 0);
    worker_expect(&w, WIRE_READY, 0);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        worker_expect_result(&w, tell(&w, "room", "cellar", strange[i]), WIRE_RESULT_REJECT);
    worker_expect_result(&w, tell(&w, "room", "", "1"), WIRE_RESULT_REJECT);
    worker_release(&w);
}

static uint64_t tick(struct worker *w)
{
    worker_invoke_with(w, ++last_call, &(struct wire_invoke){.message = {.payload = slice_of("")}});
    return last_call;
}

static void the_digest_sums_up_what_came_since_the_last_tick(void **unused)
{
    (void)unused;
    static const char *const readings[] = {"19.5", "-2", "21"};
    struct worker w = start_example(EXAMPLE("digest"), NULL, 0);
    worker_expect(&w, WIRE_READY, 0);
    worker_expect_result(&w, tick(&w), WIRE_RESULT_OK); /* nothing yet, so no digest */
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
        worker_expect_result(&w, tell(&w, "room", "hall", readings[i]), WIRE_RESULT_OK);
    worker_expect_result(&w, tell(&w, "room", "hall", "warm"), WIRE_RESULT_REJECT);
    uint64_t call = tick(&w);
    worker_expect_publish(&w, call, "home/digest", "{\"readings\":3,\"lowest\":-2.0,\"highest\":21.0}");
    worker_expect_result(&w, call, WIRE_RESULT_OK);
    worker_expect_result(&w, tick(&w), WIRE_RESULT_OK);
    worker_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ZYGOTE(the_thermostat_switches_the_heater_of_the_room),
        WITH_ZYGOTE(the_thermostat_rejects_what_is_no_temperature),
        WITH_ZYGOTE(the_thermostat_does_not_start_without_its_config),
        WITH_ZYGOTE(the_calculator_answers_also_bad_questions),
        WITH_ZYGOTE(the_calculator_rejects_a_question_without_a_return_address),
        WITH_ZYGOTE(the_alarm_rings_until_the_air_was_clear_three_times),
        WITH_ZYGOTE(the_alarm_rejects_what_is_no_reading),
        WITH_ZYGOTE(the_digest_sums_up_what_came_since_the_last_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

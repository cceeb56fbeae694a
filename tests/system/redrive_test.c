/* redrive_test.c: dead letters are published again, or said to stay. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/dead_letters.h"
#include "support/fake_broker.h"
#include "support/files.h"
#include "support/other_broker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static void a_redriven_one_comes_as_it_came_and_leaves_the_store(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct stage s = letter_stage();
    const char *id = letter_id(s.hark);
    assert_int_equal(hark_stop(s.hark), 0);
    device_subscribe(s.phone, "puppet/do", 1);
    struct outcome o = redrive(s.hark, id);
    assert_int_equal(o.code, 0);
    assert_non_null(strstr(o.out, "published"));
    const struct message *m = device_wait(s.phone, "puppet/do");
    assert_string_equal(m->payload, "reject");
    assert_string_equal(m->content_type, "text/plain");
    assert_string_equal(m->response_topic, "out/answer");
    assert_int_equal(m->correlation_len, 3);
    assert_memory_equal(m->correlation, "\x00\x01\xfe", 3);
    assert_string_equal(message_property(m, "colour"), "blue");
    assert_string_equal(message_property(m, "hark-redriven"), id);
    assert_null(message_property(m, "hark-hops"));
    assert_int_equal(m->property_count, 2);
    assert_false(m->retained);
    assert_int_equal(letters_listed(s.hark), 0);
}

/* MQTT 3.1.1 has the payload alone to bring back. */
static void mqtt_3_keeps_and_redrives_the_payload(void **unused)
{
    (void)unused;
    struct stage s = stage_set_3_1_1();
    stage_puppet(&s, ONE_TRY);
    const struct message *dead = letter_bury_bare(&s);
    assert_string_equal(dead->payload, "reject");
    assert_int_equal(dead->property_count, 0);
    hark_wait_line(s.hark, "is given up after 1 attempt: rejected; dead letter to ");
    assert_int_equal(hark_stop(s.hark), 0); /* what it was about to keep is kept */
    struct outcome o = dead_command(s.hark, "show", letter_id(s.hark));
    assert_non_null(strstr(o.out, "payload         6 bytes\n                reject\n"));
    device_subscribe(s.phone, "puppet/do", 1);
    o = hark_command("dead", "--state", s.hark->state, "--node", TEST_NODE, "redrive", "--config",
                     s.hark->config, "--all");
    assert_int_equal(o.code, 0);
    device_expect(s.phone, "puppet/do", "reject");
    assert_int_equal(letters_listed(s.hark), 0);
}

/* It dies again: a new one, with the new time. */
static void a_running_hark_handles_what_is_redriven(void **unused)
{
    (void)unused;
    struct stage s = letter_stage();
    const char *id = letter_id(s.hark);
    assert_int_equal(redrive(s.hark, "--all").code, 0);
    const struct message *dead = device_wait(s.phone, "hark/dead/puppet");
    assert_string_equal(dead->payload, "reject");
    stage_still_serves(&s);
    assert_string_not_equal(letter_id(s.hark), id);
}

static void they_go_at_the_rate_that_was_asked_for(void **unused)
{
    (void)unused;
    enum { LETTERS = 5, RATE = 4 };
    struct stage s = stage_set();
    stage_puppet(&s, ONE_AT_A_TIME);
    for (int i = 0; i < LETTERS; i++)
        letter_bury(&s);
    letters_wait(&s, LETTERS);
    assert_int_equal(hark_stop(s.hark), 0);
    uint64_t start_ns = clock_now_ns();
    struct outcome o = redrive(s.hark, "--function", "puppet", "--rate", "4/s");
    assert_int_equal(o.code, 0);
    assert_true(clock_now_ns() - start_ns >= (LETTERS - 1) * NS_PER_S / RATE);
    assert_int_equal(letter_lines(o.out), LETTERS);
    assert_int_equal(letters_listed(s.hark), 0);
}

/* It is not killed by it: what was published is gone, and the rest is said to stay. */
static void an_interrupt_leaves_the_rest(void **unused)
{
    (void)unused;
    enum { LETTERS = 2 };
    struct stage s = stage_set();
    stage_puppet(&s, ONE_AT_A_TIME);
    letter_bury(&s);
    letter_bury(&s);
    letters_wait(&s, LETTERS);
    assert_int_equal(hark_stop(s.hark), 0);
    device_subscribe(s.phone, "puppet/do", 1);
    const char *const argv[] = {TEST_HARK, "dead",    "--state",  s.hark->state,  "--node",
                                TEST_NODE, "redrive", "--broker", s.hark->broker, "--all",
                                "--rate",  "1/s",     NULL};
    struct process *p = process_start(&(struct process_options){.name = "redrive", .argv = argv});
    device_expect(s.phone, "puppet/do", "reject");
    lines_wait(p->out, " published$"); /* acknowledged, too */
    process_signal(p, SIGINT);
    assert_int_equal(process_wait(p), 69);
    process_drain(p);
    assert_int_equal(lines_count(p->err, "^hark: error: interrupted; what is not published stays$"), 1);
    assert_int_equal(lines_count(p->out, " published$") + letters_listed(s.hark), LETTERS);
}

static const struct fake_step accepts = {.await = PACKET_CONNECT, .len = 5, .bytes = {0x20, 3, 0, 0, 0}};

static struct process *redrive_to(const struct stage *s, const struct fake_broker *b, const char *id)
{
    const char *const argv[] = {TEST_HARK,          "dead",    "--state", s->hark->state,
                                "--node",           TEST_NODE, "redrive", "--broker",
                                fake_broker_url(b), id,        NULL};
    return process_start(&(struct process_options){.name = "redrive", .argv = argv});
}

#define PERHAPS_SENT                                                                                         \
    "; what is not published stays; 1 on the way and not acknowledged stays too, though the broker may "     \
    "have it already$"

static void an_interrupt_tells_what_the_broker_may_have_and_keeps_it(void **unused)
{
    (void)unused;
    uint8_t byte;
    struct stage s = letter_stage();
    struct fake_broker *silent = fake_broker_start((struct fake_step[]){accepts, {0}});
    struct process *p = redrive_to(&s, silent, letter_id(s.hark));
    assert_int_equal(fake_broker_published(silent, &byte, 1, GUARD_MS), 1);
    process_signal(p, SIGTERM);
    assert_int_equal(process_wait(p), 69);
    lines_wait(p->err, "^hark: error: interrupted" PERHAPS_SENT);
    assert_int_equal(letters_listed(s.hark), 1);
}

static void a_broker_that_goes_may_have_what_it_did_not_acknowledge(void **unused)
{
    (void)unused;
    struct stage s = letter_stage();
    const struct fake_step goes = {.await = PACKET_PUBLISH, .len = 4, .bytes = {0xe0, 2, 0x8b, 0}};
    struct fake_broker *b = fake_broker_start((struct fake_step[]){accepts, goes, {0}});
    struct process *p = redrive_to(&s, b, letter_id(s.hark));
    assert_int_equal(process_wait(p), 69);
    lines_wait(p->err, "^hark: error: .*Server shutting down \\(0x8b\\)" PERHAPS_SENT);
    assert_int_equal(letters_listed(s.hark), 1);
}

static void without_a_broker_all_stay(void **unused)
{
    (void)unused;
    struct stage s = letter_stage();
    assert_int_equal(hark_stop(s.hark), 0);
    broker_stop(s.broker);
    struct outcome o = redrive(s.hark, "--all");
    assert_int_equal(o.code, 69);
    assert_non_null(strstr(o.err, "connection refused; what is not published stays"));
    assert_int_equal(letters_listed(s.hark), 1);
}

static void what_the_broker_refuses_or_nobody_takes_stays(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5"); /* 3.1.1 does not say that nobody is subscribed */
    struct stage s = {.broker = broker_start()};
    s.hark = hark_prepare(broker_url(s.broker));
    hark_start(s.hark);
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    device_subscribe(s.phone, "hark/dead/#", 1);
    stage_puppet(&s, ONE_AT_A_TIME);
    letter_bury(&s);
    stage_still_serves(&s);
    file_remove(hark_file(s.hark, "puppet.yaml"));
    hark_wait_line(s.hark, "^hark: undeployed puppet");
    struct outcome o = redrive(s.hark, "--all");
    assert_int_equal(o.code, 77);
    assert_non_null(strstr(o.err, "stays: nobody is subscribed to its topic"));
    assert_int_equal(letters_listed(s.hark), 1);

    struct broker *strict =
        broker_start_with(&(struct broker_options){.acl = "topic readwrite #\ntopic deny puppet/do\n"});
    o = dead_command(s.hark, "redrive", "--broker", broker_url(strict), "--all");
    assert_int_equal(o.code, 65); /* it came from another one */
    o = dead_command(s.hark, "redrive", "--broker", broker_url(strict), letter_id(s.hark));
    assert_int_equal(o.code, 77);
    assert_non_null(strstr(o.err, "stays: the broker did not take it: Not authorized (0x87)"));
    assert_int_equal(letters_listed(s.hark), 1);
}

static void one_of_another_broker_needs_its_broker_named(void **unused)
{
    (void)unused;
    struct stage s = letter_stage();
    char variable[128], line[128];
    struct broker *other = broker_start();
    snprintf(variable, sizeof variable, "HARK_BROKER=%s", broker_url(other));
    snprintf(line, sizeof line, "is of another broker, mqtt://%s127.0.0.1:%u: give --broker",
             other_broker_user(), broker_port(s.broker));
    const char *const argv[] = {TEST_HARK, "dead",    "--state", s.hark->state, "--node",
                                TEST_NODE, "redrive", "--all",   NULL};
    struct outcome o =
        command_run(&(struct process_options){.name = "hark", .argv = argv, .environment = variable});
    assert_int_equal(o.code, 65);
    assert_non_null(strstr(o.err, line));
    assert_int_equal(letters_listed(s.hark), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_redriven_one_comes_as_it_came_and_leaves_the_store),
        system_test(mqtt_3_keeps_and_redrives_the_payload),
        system_test(a_running_hark_handles_what_is_redriven),
        system_test(they_go_at_the_rate_that_was_asked_for),
        system_test(an_interrupt_leaves_the_rest),
        system_test(an_interrupt_tells_what_the_broker_may_have_and_keeps_it),
        system_test(a_broker_that_goes_may_have_what_it_did_not_acknowledge),
        system_test(without_a_broker_all_stay),
        system_test(what_the_broker_refuses_or_nobody_takes_stays),
        system_test(one_of_another_broker_needs_its_broker_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* error_reply_test.c: who asked and will get no answer is told so, once. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <stdio.h>
#include <string.h>

#define ONE_TRY "retry: { attempts: 1 }\n"

static void ask(struct stage *s, const char *what, int qos)
{
    device_publish_message(s->phone, &(struct message){.topic = "puppet/do",
                                                       .payload = what,
                                                       .payload_len = strlen(what),
                                                       .qos = qos,
                                                       .response_topic = "out/answer",
                                                       .correlation = "id 7",
                                                       .correlation_len = 4});
}

static const struct message *is_told(struct stage *s, const char *word)
{
    const struct message *m = device_wait(s->phone, "out/answer");
    assert_non_null(message_property(m, "hark-error"));
    assert_string_equal(message_property(m, "hark-error"), word);
    assert_string_equal(message_property(m, "hark-function"), "puppet");
    assert_string_equal(message_property(m, "hark-hops"), "1");
    assert_int_equal(m->correlation_len, 4);
    assert_memory_equal(m->correlation, "id 7", 4);
    assert_string_equal(m->content_type, "text/plain");
    assert_int_equal(strncmp(m->payload, "puppet: ", 8), 0);
    return m;
}

static void each_end_has_its_word(void **unused)
{
    (void)unused;
    static const struct {
        const char *order, *word;
    } cases[] = {{"crash", "crash"},   {"abort", "crash"}, {"scribble", "crash"}, {"exit", "crash"},
                 {"reject", "reject"}, {"retry", "retry"}, {"hang", "timeout"}};
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY "timeout: 1s\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(&s, cases[i].order, 1);
        assert_int_equal(is_told(&s, cases[i].word)->qos, 1);
        device_wait(s.phone, "hark/dead/puppet");
    }
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/answer"), sizeof cases / sizeof *cases);
}

static void attempts_that_are_left_are_made_first(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "retry: { attempts: 3, backoff: 10ms, max_backoff: 20ms }\n");
    ask(&s, "crash-until 3; reply here", 1);
    device_expect(s.phone, "out/answer", "here");
    ask(&s, "log tried; retry", 1);
    assert_string_equal(is_told(&s, "retry")->payload, "puppet: retry: attempts used up");
    for (int i = 0; i < 3; i++)
        hark_wait_line(s.hark, "worker=[0-9]+ tried");
    assert_int_equal(hark_count_lines(s.hark, "worker=[0-9]+ tried"), 3);
}

static void what_is_too_large_is_answered(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "limits: { payload: 8B }\n");
    ask(&s, "say out/half x", 1);
    is_told(&s, "too-large");
}

static void a_request_that_expired_in_the_queue_is_answered(void **unused)
{
    (void)unused;
    need_of_broker("window"); /* another drops it itself */
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_tell(&s, "work 2500");
    device_publish_message(s.phone, &(struct message){.topic = "puppet/do",
                                                      .payload = "say out/stale x",
                                                      .payload_len = 15,
                                                      .qos = 1,
                                                      .expiry_s = 1,
                                                      .response_topic = "out/answer",
                                                      .correlation = "id 7",
                                                      .correlation_len = 4});
    is_told(&s, "expired");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/stale"), 0);
    assert_int_equal(device_count(s.phone, "hark/dead/#"), 0);
}

static void without_dead_letters_there_is_an_answer_all_the_same(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY "dead_letter: none\n");
    ask(&s, "reject", 1);
    is_told(&s, "reject");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "hark/dead/#"), 0);
}

static void the_answer_has_the_qos_of_the_request_and_at_most_1(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    ask(&s, "reject", 0);
    assert_int_equal(is_told(&s, "reject")->qos, 0);
    ask(&s, "reject", 2);
    assert_int_equal(is_told(&s, "reject")->qos, 1);
}

static void a_function_that_answers_nothing_is_not_spoken_for(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    ask(&s, "log silent", 1);
    hark_wait_line(s.hark, "silent");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/answer"), 0);
}

static void who_did_not_ask_is_told_nothing(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_TRY);
    stage_tell(&s, "reject");
    assert_null(device_wait(s.phone, "hark/dead/puppet")->correlation);
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "#"), 2); /* the dead letter and the sign of life */
}

/* The session of 3.1.1 knows no response topic, whatever the device said. */
static void a_node_that_speaks_3_1_1_answers_nothing(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_prepare(NULL);
    h->config = path_in(h->state, "node.yaml");
    file_print(h->config, "brokers: { old: { url: \"%s\", protocol: \"3.1.1\" } }\n", broker_url(b));
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST ONE_TRY);
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    struct stage s = {b, h, device_connect(broker_port(b), "phone")};
    device_subscribe(s.phone, "out/#", 1);
    device_subscribe(s.phone, "hark/dead/#", 1);
    ask(&s, "reject", 1);
    assert_int_equal(device_wait(s.phone, "hark/dead/puppet")->property_count, 0);
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/answer"), 0);
}

/* Said, and the request is over: with one message at a time from the broker, the next one comes only then. */
static void an_answer_that_the_broker_refuses_holds_nothing_up(void **unused)
{
    (void)unused;
    struct stage s = {.broker = broker_start_with(
                          &(struct broker_options){.acl = "topic readwrite #\ntopic deny out/answer\n"})};
    s.hark = hark_run(broker_url(s.broker));
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    device_subscribe(s.phone, "hark/dead/#", 1);
    stage_puppet(&s, ONE_TRY "limits: { queue: 1 }\n");
    ask(&s, "reject", 1);
    hark_wait_line(s.hark, "function=puppet the error reply .* not taken by the broker: Not authorized");
    stage_tell(&s, "say out/before x");
    stage_expect(&s, "out/before", "x");
    assert_int_equal(hark_stop(s.hark), 0);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    stage_tell(&s, "say out/after x");
    stage_expect(&s, "out/after", "x");
    assert_int_equal(hark_count_lines(s.hark, "is given up"), 0);
}

/* A dead letter that is refused is sent again and again; the answer is not. */
static void one_that_cannot_be_buried_is_answered_once(void **unused)
{
    (void)unused;
    struct stage s = {.broker = broker_start_with(
                          &(struct broker_options){.acl = "topic readwrite #\ntopic deny hark/dead/#\n"})};
    s.hark = hark_prepare(broker_url(s.broker));
    s.hark->config = path_in(s.hark->state, "node.yaml");
    file_print(s.hark->config, "dead_letters: { max: 0 }\n");
    hark_start(s.hark);
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    stage_puppet(&s, "retry: { attempts: 1, max_backoff: 200ms, backoff: 50ms }\n");
    ask(&s, "reject", 1);
    is_told(&s, "reject");
    for (int i = 0; i < 3; i++)
        hark_wait_line(s.hark, "the dead letter .* not taken by the broker");
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/answer"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(each_end_has_its_word),
        system_test(attempts_that_are_left_are_made_first),
        system_test(what_is_too_large_is_answered),
        system_test(a_request_that_expired_in_the_queue_is_answered),
        system_test(without_dead_letters_there_is_an_answer_all_the_same),
        system_test(the_answer_has_the_qos_of_the_request_and_at_most_1),
        system_test(a_function_that_answers_nothing_is_not_spoken_for),
        system_test(who_did_not_ask_is_told_nothing),
        system_test(a_node_that_speaks_3_1_1_answers_nothing),
        system_test(an_answer_that_the_broker_refuses_holds_nothing_up),
        system_test(one_that_cannot_be_buried_is_answered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

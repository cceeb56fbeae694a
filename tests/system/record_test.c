/* record_test.c: `hark record`, `replay` and `diff`: live messages kept, published again, and played to two
 * versions of a function. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/device.h"
#include "support/files.h"
#include "support/lines.h"
#include "support/mosquitto_broker.h"
#include "support/test.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct process *record(struct broker *b, const char *filter, const char *count)
{
    const char *const argv[] = {
        TEST_HARK, "record", "--broker", broker_url(b), "--topic", filter, count ? "--count" : NULL,
        count,     NULL};
    struct process *p = process_start(&(struct process_options){.name = "record", .argv = argv});
    lines_wait(p->err, "hark: recording ");
    return p;
}

static const char *recorded_by(struct process *p)
{
    assert_int_equal(process_wait(p), 0);
    process_drain(p);
    char *text = lines_text(p->out);
    at_end_of_test(free, text);
    return text;
}

static struct outcome replay(struct broker *b, const char *recording, const char *speed)
{
    const char *path = path_in(folder_create(), "recording.jsonl");
    file_print(path, "%s", recording);
    return hark_command("replay", "--broker", broker_url(b), "--speed", speed, path);
}

static void what_is_recorded_is_published_again_as_it_was(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    const struct message sent = {.topic = "home/kitchen/raw",
                                 .payload = "\0\xff",
                                 .payload_len = 2,
                                 .qos = 2,
                                 .content_type = "application/x",
                                 .response_topic = "answers",
                                 .correlation = "\1\2",
                                 .correlation_len = 2,
                                 .property_count = 1,
                                 .keys = {"k"},
                                 .values = {"v"}};
    struct process *p = record(b, "home/{room}/#", "2");
    device_publish(d, "home/kitchen/temperature", "18", 1);
    device_publish(d, "elsewhere", "x", 1);
    device_publish_message(d, &sent);
    const char *recording = recorded_by(p);
    device_subscribe(d, "home/#", 2);
    struct outcome o = replay(b, recording, "max");
    assert_int_equal(o.code, 0);
    assert_string_equal(o.err, "hark: 2 messages published\n");
    device_expect(d, "home/kitchen/temperature", "18");
    const struct message *m = device_wait(d, "home/kitchen/raw");
    assert_int_equal(m->payload_len, 2);
    assert_memory_equal(m->payload, "\0\xff", 2);
    assert_string_equal(m->content_type, "application/x");
    assert_string_equal(m->response_topic, "answers");
    assert_memory_equal(m->correlation, "\1\2", 2);
    assert_string_equal(message_property(m, "k"), "v");
    assert_int_equal(m->qos, 1); /* as it was recorded: --qos of hark record, 1 */
}

static void recording_ends_well_at_an_interrupt(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    struct process *p = record(b, "#", NULL);
    device_publish(d, "a", "1", 1);
    lines_wait(p->out, "\"topic\":\"a\"");
    kill(p->pid, SIGINT);
    assert_int_equal(process_wait(p), 0);
    lines_wait(p->err, "hark: 1 message recorded");
}

static void what_cannot_be_written_ends_the_recording(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    const char *const argv[] = {
        "sh",      "-c",          "exec \"$0\" record --topic a --broker \"$1\" >/dev/full",
        TEST_HARK, broker_url(b), NULL};
    struct process *p = process_start(&(struct process_options){.name = "record", .argv = argv});
    lines_wait(p->err, "hark: recording ");
    device_publish(d, "a", "1", 1);
    lines_wait(p->err, "hark: error: standard output cannot be written: No space left on device");
    lines_wait(p->err, "hark: 0 messages recorded");
    assert_int_equal(process_wait(p), 70);
    assert_true(lines_ended(p->err, 5000));
    assert_int_equal(lines_count(p->err, "cannot be written"), 1);
}

static void recording_goes_on_when_the_broker_comes_back(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct process *p = record(b, "#", "1");
    broker_stop(b);
    lines_wait(p->err, "trying again");
    broker_up(b);
    lines_wait(p->err, "hark: recording ");
    struct device *d = device_connect(broker_port(b), "device");
    device_publish(d, "a", "1", 1);
    assert_contains(recorded_by(p), "\"topic\":\"a\"");
}

static void the_pauses_are_kept(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    device_subscribe(d, "#", 1);
    uint64_t began_ns = clock_now_ns();
    struct outcome o = replay(b,
                              "{\"time\":\"2026-11-22T10:00:00Z\",\"topic\":\"a\",\"payload\":\"1\"}\n"
                              "{\"time\":\"2026-11-22T10:00:04Z\",\"topic\":\"a\",\"payload\":\"2\"}\n",
                              "10");
    assert_int_equal(o.code, 0);
    device_expect(d, "a", "1");
    device_expect(d, "a", "2");
    assert_true(clock_now_ns() - began_ns >= 400 * NS_PER_MS);
}

static void a_line_that_cannot_be_published_is_said_and_the_others_are(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    device_subscribe(d, "#", 1);
    struct outcome o =
        replay(b, "[a] 1\nwhat?\n{\"timer\":\"every 1s\"}\n{\"topic\":\"b\",\"qos\":0}\n", "1");
    assert_int_equal(o.code, BAD_DATA);
    assert_contains(o.err, "recording.jsonl:2: '[topic] payload' is needed, with ");
    assert_contains(o.err, "recording.jsonl:3: a tick of a timer cannot be published\n");
    assert_contains(o.err, "hark: 2 messages published\n");
    device_expect(d, "a", "1");
    device_expect(d, "b", "");
}

/* What comes by a pipe is published as it comes, and ^C ends the wait for more. */
static void what_is_piped_need_not_end(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    device_subscribe(d, "#", 1);
    const char *const argv[] = {TEST_HARK, "replay", "--broker", broker_url(b), "-", NULL};
    struct process *p =
        process_start(&(struct process_options){.name = "replay", .argv = argv, .takes_orders = true});
    process_order(p,
                  "{\"topic\":\"a\",\"payload\":\"1\",\"qos\":0}"); /* which is published when it is sent */
    device_expect(d, "a", "1");
    process_order(p, "");
    process_order(p, "{\"topic\":\"a\",\"payload\":\"2\",\"qos\":0}");
    device_expect(d, "a", "2");
    kill(p->pid, SIGINT);
    assert_int_equal(process_wait(p), 0);
    lines_wait(p->err, "hark: 2 messages published");
}

static void long_lines_are_lines(void **unused)
{
    (void)unused;
    enum { LONG = 300 * 1024 };
    char *line = malloc(LONG + 16);
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    at_end_of_test(free, line);
    device_subscribe(d, "#", 1);
    memset(line, 'x', LONG);
    memcpy(line, "[a] ", 4);
    strcpy(line + LONG, "\n[b] end");
    assert_int_equal(replay(b, line, "max").code, 0);
    assert_int_equal(device_wait(d, "a")->payload_len, LONG - 4);
    device_expect(d, "b", "end");
}

/* Sent again on each new connection it would keep the others from being published. */
static void a_message_that_ends_the_connection_is_not_sent(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct device *d = device_connect(broker_port(b), "device");
    device_subscribe(d, "#", 1);
    struct outcome o = replay(b, "{\"topic\":\"a\\nb\"}\n[c] 1\n", "max");
    assert_int_equal(o.code, NOT_PERMITTED);
    assert_contains(o.err,
                    "recording.jsonl:1: cannot be published: a control character, for which brokers end");
    device_expect(d, "c", "1");
}

/* ---- to a function ---- */

static struct outcome replay_to_puppet(const char *recording, const char *speed)
{
    const char *folder = folder_with_puppet("timeout: 2s\n"), *path = path_in(folder, "recording.jsonl");
    file_print(path, "%s", recording);
    return hark_command("replay", path, path_in(folder, "puppet.yaml"), "--speed", speed);
}

static void a_function_needs_no_broker_and_what_triggers_it_not_is_counted(void **unused)
{
    (void)unused;
    struct outcome o =
        replay_to_puppet("[puppet/do] say out/a 1\n[elsewhere] x\n[puppet/do] count out/n\n", "max");
    assert_string_equal(o.out, "out/a 1\nout/n 2\n");
    assert_contains(o.err, "hark: 2 messages played\nhark: 1 passed by: nothing of it triggers puppet\n");
    assert_int_equal(o.code, 0);
}

static void a_function_gets_the_pauses_too(void **unused)
{
    (void)unused;
    uint64_t began_ns = clock_now_ns();
    struct outcome o = replay_to_puppet(
        "{\"time\":\"2026-11-22T10:00:00Z\",\"topic\":\"puppet/do\",\"payload\":\"say out/a 1\"}\n"
        "{\"time\":\"2026-11-22T10:00:04Z\",\"topic\":\"puppet/do\",\"payload\":\"say out/a 2\"}\n",
        "10");
    assert_string_equal(o.out, "out/a 1\nout/a 2\n");
    assert_int_equal(o.code, 0);
    assert_true(clock_now_ns() - began_ns >= 400 * NS_PER_MS);
}

static void the_first_message_that_fails_is_the_exit_code_of_a_replay(void **unused)
{
    (void)unused;
    struct outcome o = replay_to_puppet(
        "[puppet/do] say out/a 1\n[puppet/do] reject\n[puppet/do] crash\n[puppet/do] say out/a 2\n", "max");
    assert_string_equal(o.out, "out/a 1\nout/a 2\n");
    assert_contains(o.err, "hark: 4 messages played\n");
    assert_int_equal(o.code, 2);
    o = replay_to_puppet("what?\n[puppet/do] say out/a 1\n", "max");
    assert_string_equal(o.out, "out/a 1\n");
    assert_contains(o.err, "recording.jsonl:1: '[topic] payload' is needed, with ");
    assert_int_equal(o.code, BAD_DATA);
}

/* Two messages an hour apart: it is the interrupt that ends the wait. */
static void an_interrupt_ends_a_replay_to_a_function_with_its_count(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet(""), *path = path_in(folder, "recording.jsonl");
    file_print(path,
               "{\"time\":\"2026-11-22T10:00:00Z\",\"topic\":\"puppet/do\",\"payload\":\"say out/a 1\"}\n"
               "{\"time\":\"2026-11-22T11:00:00Z\",\"topic\":\"puppet/do\",\"payload\":\"say out/a 2\"}\n");
    const char *const argv[] = {TEST_HARK, "replay", path, path_in(folder, "puppet.yaml"), NULL};
    struct process *p = process_start(&(struct process_options){.name = "replay", .argv = argv});
    lines_wait(p->out, "out/a 1");
    lines_wait(p->err, "recording.jsonl:2: it comes in (3600|3599) s, as it was recorded: --speed N ");
    kill(p->pid, SIGINT);
    assert_int_equal(process_wait(p), 0);
    lines_wait(p->err, "hark: 1 message played");
}

static void what_is_piped_to_a_function_need_not_end(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    const char *const argv[] = {TEST_HARK, "replay", "-", path_in(folder, "puppet.yaml"), "--json", NULL};
    struct process *p =
        process_start(&(struct process_options){.name = "replay", .argv = argv, .takes_orders = true});
    process_order(p, "[puppet/do] say out/a 1");
    lines_wait(p->out, "\"topic\":\"out/a\",\"payload\":\"1\"");
    process_order(p, "[puppet/do] say out/a 2");
    lines_wait(p->out, "\"topic\":\"out/a\",\"payload\":\"2\"");
    kill(p->pid, SIGTERM);
    assert_int_equal(process_wait(p), 0);
}

static void options_of_broker_and_function_do_not_go_together(void **unused)
{
    (void)unused;
    assert_refused(hark_command("replay", "a.jsonl", "b.yaml", "--broker", "mqtt://127.0.0.1"), USAGE,
                   "a function is played to without a broker");
    assert_refused(hark_command("replay", "a.jsonl", "--stats"), USAGE,
                   "are about a function, and none is given");
    assert_refused(hark_command("replay", "a.jsonl", "b.yaml", "c"), USAGE, "unexpected argument 'c'");
}

static void mistakes_have_one_line_each(void **unused)
{
    (void)unused;
    assert_refused(hark_command("record"), USAGE, "--topic FILTER is needed");
    assert_refused(hark_command("record", "--topic", "a#"), USAGE, "--topic 'a#': '#' must be a whole level");
    assert_refused(hark_command("replay"), USAGE, "no recording given");
    assert_refused(hark_command("replay", "/nowhere/x"), BAD_DATA,
                   "/nowhere/x: cannot be read: No such file or directory");
    struct broker *b = broker_start();
    struct outcome folder = hark_command("replay", "--broker", broker_url(b), "/");
    assert_contains(folder.err, "hark: error: /: cannot be read: Is a directory\n");
    assert_int_equal(folder.code, BAD_DATA);
    assert_refused(hark_command("replay", "--speed", "0", "x"), USAGE, "--speed '0': 0.001 to 1000000");
    assert_refused(hark_command("diff", "a.so", "b.so"), USAGE, "two versions and a recording are needed");
    assert_refused(hark_command("record", "--topic", "#", "--broker", "nope"), USAGE, "'nope' is no URL");
    struct outcome o = hark_command("record", "--topic", "#", "--broker", "mqtt://127.0.0.1:1");
    assert_contains(o.err, "hark: error: cannot reach 127.0.0.1:1: connection refused\n");
    assert_int_equal(o.code, 69);
}

/* ---- diff ---- */

static struct outcome diff(const char *old, const char *new, const char *recording)
{
    const char *folder = folder_with_puppet("");
    file_print(path_in(folder, "recording"), "%s", recording);
    return hark_command("diff", "--manifest", path_in(folder, "puppet.yaml"), own_copy(TEST_PUPPETS, old),
                        own_copy(TEST_PUPPETS, new), path_in(folder, "recording"));
}

static void two_versions_that_do_the_same_do_not_differ(void **unused)
{
    (void)unused;
    struct outcome o = diff("puppet.so", "puppet-two.so", "[puppet/do] say out/a x\n[puppet/do] reject\n");
    assert_string_equal(o.out, "");
    assert_contains(o.err, "hark: 2 messages, 0 differ\n");
    assert_int_equal(o.code, 0);
}

static void what_differs_is_shown_with_its_line(void **unused)
{
    (void)unused;
    struct outcome o =
        diff("puppet.so", "puppet-two.so", "[puppet/do] say out/a x\n[puppet/do] build out/b\n");
    assert_contains(o.out, "recording:2: puppet/do  build out/b\n"
                           "  - out/b  one  qos=1\n"
                           "  + out/b  two  qos=1\n");
    assert_contains(o.err, "hark: 2 messages, 1 differs\n");
    assert_int_equal(o.code, 1);
}

/* A recording of home/# has more than the function listens to, its own outputs for instance. */
static void messages_that_trigger_neither_are_passed_by(void **unused)
{
    (void)unused;
    struct outcome o =
        diff("puppet.so", "puppet-two.so", "[out/b] one\n[puppet/do] build out/b\n[out/c] x\n");
    assert_contains(o.out, "recording:2: puppet/do  build out/b\n  - ");
    assert_contains(o.err, "hark: 1 message, 1 differs; 2 more go to neither\n");
    assert_int_equal(o.code, 1);
    o = diff("puppet.so", "puppet-two.so", "[out/b] one\n");
    assert_contains(o.err, "recording: no message in it triggers the function: nothing was compared\n");
    assert_int_equal(o.code, BAD_DATA);
}

/* The usual end of a recording on a disk that got full. */
static void a_line_that_is_cut_does_not_keep_the_others_from_being_compared(void **unused)
{
    (void)unused;
    struct outcome o =
        diff("puppet.so", "puppet-two.so", "{\"topic\":\"puppet/do\",\"payl\n[puppet/do] build out/b\n");
    assert_contains(o.err, "recording:1: no JSON");
    assert_contains(o.out, "recording:2: puppet/do  build out/b\n  - ");
    assert_int_equal(o.code, BAD_DATA);
}

static const char *manifest_with(const char *folder, const char *name, const char *topic,
                                 const char *publishes)
{
    const char *path = path_in(folder, name);
    file_print(path,
               "function: puppet\nhandler: puppet.so\ntriggers: [ { topic: \"%s\" } ]\n"
               "publishes: [ \"%s\" ]\n",
               topic, publishes);
    return path;
}

static void each_manifest_says_itself_what_triggers_it(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet("");
    const char *recording = path_in(folder, "recording");
    const char *old = manifest_with(folder, "old.yaml", "home/{room}", "out/{room}");
    const char *new = manifest_with(folder, "new.yaml", "{house}/+", "out/{house}");
    file_print(recording, "[home/home] say out/home x\n[home/hall] say out/hall x\n[shed/door] say a x\n");
    struct outcome o = hark_command("diff", old, new, recording);
    assert_contains(o.out, "recording:2: home/hall  say out/hall x\n"
                           "  - out/hall  x  qos=1\n"
                           "  + (nothing)\n");
    assert_contains(o.out, "recording:3: shed/door  say a x\n"
                           "  - (does not trigger it)\n"
                           "  + (nothing)\n");
    assert_contains(o.err, "hark: 3 messages, 2 differ\n");
    assert_int_equal(o.code, 1);
}

static void a_version_that_does_not_start_is_bad_data(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    file_print(path_in(folder, "recording"), "[a] x\n");
    struct outcome o = hark_command("diff", own_copy(TEST_PUPPETS, "puppet.so"),
                                    own_copy(TEST_FUNCTIONS, "ctor_crash.so"), path_in(folder, "recording"));
    assert_contains(o.err, "ctor_crash.so: ");
    assert_int_equal(o.code, BAD_DATA);
}

static void a_version_that_does_not_start_is_shown_with_its_log(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *faulty = own_copy(TEST_FUNCTIONS, "start_fails.so");
    char lines[512];
    file_print(path_in(folder, "recording"), "[a] x\n");
    struct outcome o =
        hark_command("diff", own_copy(TEST_PUPPETS, "puppet.so"), faulty, path_in(folder, "recording"));
    snprintf(lines, sizeof lines,
             "hark: error: %s: the sensor is missing\n"
             "hark: error: %s: start() of start_fails.so returned 3 instead of 0: its log may say why\n",
             faulty, faulty);
    assert_contains(o.err, lines);
    assert_int_equal(o.code, BAD_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(what_is_recorded_is_published_again_as_it_was),
        system_test(recording_ends_well_at_an_interrupt),
        system_test(what_cannot_be_written_ends_the_recording),
        system_test(recording_goes_on_when_the_broker_comes_back),
        system_test(the_pauses_are_kept),
        system_test(a_line_that_cannot_be_published_is_said_and_the_others_are),
        system_test(what_is_piped_need_not_end),
        system_test(long_lines_are_lines),
        system_test(a_message_that_ends_the_connection_is_not_sent),
        system_test(a_function_needs_no_broker_and_what_triggers_it_not_is_counted),
        system_test(a_function_gets_the_pauses_too),
        system_test(the_first_message_that_fails_is_the_exit_code_of_a_replay),
        system_test(an_interrupt_ends_a_replay_to_a_function_with_its_count),
        system_test(what_is_piped_to_a_function_need_not_end),
        system_test(options_of_broker_and_function_do_not_go_together),
        system_test(mistakes_have_one_line_each),
        system_test(two_versions_that_do_the_same_do_not_differ),
        system_test(what_differs_is_shown_with_its_line),
        system_test(messages_that_trigger_neither_are_passed_by),
        system_test(a_line_that_is_cut_does_not_keep_the_others_from_being_compared),
        system_test(each_manifest_says_itself_what_triggers_it),
        system_test(a_version_that_does_not_start_is_bad_data),
        system_test(a_version_that_does_not_start_is_shown_with_its_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

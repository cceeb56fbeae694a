/* delivery_test.c: one message at each QoS is at work when something happens. What becomes of each?
 *
 * The three run beside each other, at work until a file is there, so that what happens meets them all. What a
 * fault must not lose is answered once; what it may lose is lost. The table in docs/delivery.md names these.
 */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/proxy.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 32 };

#define KEEP_ALIVE "5s" /* the least */

struct scene {
    struct stage stage;
    struct proxy *proxy;
};

#define MANIFEST                                                                                             \
    "function: puppet\n"                                                                                     \
    "handler: puppet.so\n"                                                                                   \
    "triggers: [ { topic: puppet/do, qos: 2 }, { topic: puppet/more, qos: 2 } ]\n"                           \
    "publishes: [ \"out/#\" ]\n"                                                                             \
    "order: none\n"

/* `more`: lines of the manifest. */
static struct scene scene_with(const struct broker_options *o, const char *more)
{
    struct scene s = {.stage.broker = broker_start_with(o)};
    struct hark *h = s.stage.hark = hark_prepare(NULL);
    s.proxy = proxy_start(broker_port(s.stage.broker));
    h->drain = "60s";
    h->config = path_in(folder_create(), "hark.yaml");
    file_print(h->config, "broker: site\nbrokers:\n  site: { url: \"%s\", keep_alive: " KEEP_ALIVE " }\n",
               proxy_url(s.proxy));
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 0 functions");
    s.stage.phone = device_connect_with(
        &(struct device_options){.port = broker_port(s.stage.broker),
                                 .id = "phone",
                                 .is_v311 = o->keeps_sessions, /* where a session has no end */
                                 .resumes = true});
    device_subscribe(s.stage.phone, "out/#", 1);
    device_subscribe(s.stage.phone, "hark/dead/#", 1);
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", MANIFEST "%s", more);
    hark_wait_line(h, "^hark: deployed puppet ");
    return s;
}

static void tell(struct scene *s, int qos, const char *order)
{
    device_publish(s->stage.phone, "puppet/do", order, qos);
}

/* Told to answer on out/<qos>, after something else. */
static void ask(struct scene *s, int qos, const char *before)
{
    char order[128];
    snprintf(order, sizeof order, "%ssay out/%d done", before, qos);
    tell(s, qos, order);
}

/* One message at each QoS is at work, in a worker of its own. */
static struct scene at_work_with(const struct broker_options *o, const char *more)
{
    struct scene s = scene_with(o, more);
    for (int qos = 0; qos <= 2; qos++) {
        ask(&s, qos, "log begun; work 2000; ");
        hark_wait_line(s.stage.hark, "worker=[0-9]+ begun");
    }
    return s;
}

static struct scene at_work(void)
{
    return at_work_with(&(struct broker_options){0}, "instances: { max: 3 }\n");
}

static void answered_once(struct scene *s, const char *filter)
{
    if (device_count(s->stage.phone, filter) != 1)
        give_up("%s: %zu messages instead of 1", filter, device_count(s->stage.phone, filter));
}

/* What had not been acknowledged would come again to a new hark, and be answered again. */
static void nothing_is_left_at_the_broker(struct scene *s)
{
    assert_int_equal(hark_stop(s->stage.hark), 0);
    hark_start(s->stage.hark);
    hark_wait_line(s->stage.hark, "^hark: ready: 1 functions");
    stage_still_serves(&s->stage);
}

static void qos_1_and_2_are_answered_once(struct scene *s)
{
    stage_expect(&s->stage, "out/1", "done");
    stage_expect(&s->stage, "out/2", "done");
    nothing_is_left_at_the_broker(s);
    answered_once(s, "out/1");
    answered_once(s, "out/2");
}

static void all_are_answered_once(struct scene *s)
{
    stage_expect(&s->stage, "out/0", "done");
    qos_1_and_2_are_answered_once(s);
    answered_once(s, "out/0");
}

static void only_qos_0_is_lost(struct scene *s)
{
    qos_1_and_2_are_answered_once(s);
    assert_int_equal(device_count(s->stage.phone, "out/0"), 0);
}

static void is_ready_again(struct scene *s)
{
    hark_start(s->stage.hark);
    hark_wait_line(s->stage.hark, "^hark: ready: 1 functions");
}

/* ---- hark ---- */

static void a_killed_hark_loses_qos_0_alone(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    hark_kill(s.stage.hark);
    is_ready_again(&s);
    only_qos_0_is_lost(&s);
}

static void a_stop_finishes_what_is_at_work(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    assert_int_equal(hark_stop(s.stage.hark), 0);
    is_ready_again(&s);
    all_are_answered_once(&s);
}

static void a_second_signal_loses_qos_0_alone(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    process_signal(s.stage.hark->process, SIGTERM);
    hark_wait_line(s.stage.hark, "^hark: SIGTERM: ");
    assert_int_equal(hark_stop(s.stage.hark), 0);
    is_ready_again(&s);
    only_qos_0_is_lost(&s);
}

static void what_waits_when_hark_stops_is_lost_at_qos_0_alone(void **unused)
{
    (void)unused;
    struct scene s = scene_with(&(struct broker_options){0}, "");
    tell(&s, 1, "work 100; say out/first done"); /* it is slow: none is sent ahead */
    stage_expect(&s.stage, "out/first", "done");
    tell(&s, 1, "log begun; work 1000; say out/first done");
    hark_wait_line(s.stage.hark, "worker=[0-9]+ begun");
    for (int qos = 0; qos <= 2; qos++)
        ask(&s, qos, "");
    assert_int_equal(hark_stop(s.stage.hark), 0);
    is_ready_again(&s);
    only_qos_0_is_lost(&s);
}

/* As long as a broker takes to give it up. */
static void a_frozen_hark_goes_on(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    process_signal(s.stage.hark->process, SIGSTOP);
    broker_wait_line(s.stage.broker, "hark/test/puppet has exceeded timeout");
    process_signal(s.stage.hark->process, SIGCONT);
    all_are_answered_once(&s);
}

/* ---- workers ---- */

static void signal_workers(struct scene *s, int number)
{
    pid_t pids[WORKERS_MAX];
    size_t count = worker_pids(s->stage.hark->process->pid, pids, WORKERS_MAX);
    assert_true(count >= 3);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], number);
}

static void what_killed_workers_had_runs_again(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    signal_workers(&s, SIGKILL);
    all_are_answered_once(&s);
}

static void what_frozen_workers_had_runs_again_after_the_timeout(void **unused)
{
    (void)unused;
    struct scene s = at_work_with(&(struct broker_options){0}, "instances: { max: 3 }\ntimeout: 6s\n");
    signal_workers(&s, SIGSTOP);
    all_are_answered_once(&s);
}

static void what_workers_of_a_killed_zygote_had_runs_again(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    zygote_signal(s.stage.hark->process->pid, SIGKILL);
    all_are_answered_once(&s);
}

/* ---- the connection ---- */

#define LEFT "^hark: warning: broker mqtt://[0-9.:]+: "

static void what_is_at_work_when_the_connection_is_cut_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    assert_true(proxy_cut(s.proxy) > 0);
    all_are_answered_once(&s);
}

/* It ends before a keep-alive does. */
static void what_ends_while_the_connection_stalls_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = scene_with(&(struct broker_options){0}, "instances: { max: 3 }\n");
    for (int qos = 0; qos <= 2; qos++) {
        ask(&s, qos, "log begun; work 1000; log over; ");
        hark_wait_line(s.stage.hark, "worker=[0-9]+ begun");
    }
    proxy_stall(s.proxy);
    for (int qos = 0; qos <= 2; qos++)
        hark_wait_line(s.stage.hark, "worker=[0-9]+ over");
    proxy_resume(s.proxy);
    all_are_answered_once(&s);
}

/* Hark gives the connection up. */
static void what_is_at_work_when_the_connection_stalls_for_long_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = at_work_with(&(struct broker_options){0}, "instances: { max: 3 }\ntimeout: 60s\n");
    signal_workers(&s, SIGSTOP);
    proxy_stall(s.proxy);
    hark_wait_line(s.stage.hark, LEFT);
    proxy_resume(s.proxy);
    signal_workers(&s, SIGCONT);
    all_are_answered_once(&s);
}

static void what_is_at_work_when_the_broker_lets_go_in_silence_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    proxy_half_open(s.proxy);
    all_are_answered_once(&s);
}

static void what_is_at_work_when_the_broker_does_not_hear_of_a_cut_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    proxy_abandon(s.proxy);
    all_are_answered_once(&s);
}

/* ---- the broker ---- */

static void what_is_at_work_when_the_broker_restarts_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s =
        at_work_with(&(struct broker_options){.keeps_sessions = true}, "instances: { max: 3 }\n");
    broker_stop(s.stage.broker);
    hark_wait_line(s.stage.hark, LEFT);
    broker_up(s.stage.broker);
    all_are_answered_once(&s);
}

static void is_buried(struct scene *s, const char *reason)
{
    const char *why = message_property(device_wait(s->stage.phone, "hark/dead/puppet"), "hark-reason");
    if (!why || !strstr(why, reason))
        give_up("the reason is '%s' instead of '%s'", why ? why : "none", reason);
}

static void three_are_buried_once(struct scene *s)
{
    nothing_is_left_at_the_broker(s);
    assert_int_equal(device_count(s->stage.phone, "hark/dead/puppet"), 3);
}

static void three_are_buried(struct scene *s, const char *reason)
{
    for (int i = 0; i <= 2; i++)
        is_buried(s, reason);
    three_are_buried_once(s);
}

/* mosquitto 2.0.11 closes the connection for it, and leaves unread what comes behind. Was that our PUBACK of
 * another message, that one comes again, as a new one, and is buried again. So they come one by one, and
 * behind the one at QoS 1 nothing is refused any more. */
static void what_the_broker_will_not_have_is_buried(void **unused)
{
    (void)unused;
    static const int at_qos[] = {0, 2, 1};
    struct scene s =
        scene_with(&(struct broker_options){.acl = "topic readwrite #\ntopic deny out/denied\n"}, "");
    for (size_t i = 0; i < sizeof at_qos / sizeof *at_qos; i++) {
        tell(&s, at_qos[i], "say out/denied x");
        is_buried(&s, "the broker refused an output");
    }
    three_are_buried_once(&s);
}

/* ---- deploys ---- */

static void what_is_at_work_when_a_version_is_deployed_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    hark_install(s.stage.hark, "puppet-two.so", "puppet.so");
    hark_wait_line(s.stage.hark, "^hark: deployed puppet ");
    all_are_answered_once(&s);
}

static void what_is_at_work_when_a_bad_version_comes_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    file_print(hark_file(s.stage.hark, "puppet.so"), "no shared object\n");
    hark_wait_line(s.stage.hark, "puppet.so.*ELF");
    hark_install(s.stage.hark, "puppet-two.so", "puppet.so");
    hark_wait_line(s.stage.hark, "^hark: deployed puppet ");
    all_are_answered_once(&s);
}

static void what_is_at_work_when_its_function_goes_is_answered_once(void **unused)
{
    (void)unused;
    struct scene s = at_work();
    file_remove(hark_file(s.stage.hark, "puppet.yaml"));
    hark_wait_line(s.stage.hark, "^hark: undeployed puppet");
    hark_manifest(s.stage.hark, "puppet", MANIFEST);
    hark_wait_line(s.stage.hark, "^hark: deployed puppet");
    all_are_answered_once(&s);
}

/* ---- messages ---- */

static void what_crashes_at_every_attempt_is_buried(void **unused)
{
    (void)unused;
    struct scene s =
        scene_with(&(struct broker_options){0}, "retry: { attempts: 2, backoff: 1ms, max_backoff: 1ms }\n");
    for (int qos = 0; qos <= 2; qos++)
        tell(&s, qos, "crash");
    three_are_buried(&s, "crash: killed by SIG");
}

static void what_is_larger_than_the_limit_is_buried(void **unused)
{
    (void)unused;
    struct scene s = scene_with(&(struct broker_options){0}, "limits: { payload: 64B }\n");
    for (int qos = 0; qos <= 2; qos++)
        tell(&s, qos, "log this is an order of more than 64 bytes, so that nobody will look at it");
    three_are_buried(&s, "larger than limits.payload");
}

static void what_came_through_too_many_functions_is_buried(void **unused)
{
    (void)unused;
    struct scene s = scene_with(&(struct broker_options){0}, "");
    for (int qos = 0; qos <= 2; qos++)
        device_publish_message(s.stage.phone, &(struct message){.topic = "puppet/do",
                                                                .payload = "x",
                                                                .payload_len = 1,
                                                                .qos = qos,
                                                                .property_count = 1,
                                                                .keys = {"hark-hops"},
                                                                .values = {"16"}});
    three_are_buried(&s, "loop: ");
}

static void what_expires_while_it_waits_is_discarded(void **unused)
{
    (void)unused;
    struct scene s = scene_with(&(struct broker_options){0}, "");
    tell(&s, 1, "work 100; say out/first done"); /* it is slow: none is sent ahead */
    stage_expect(&s.stage, "out/first", "done");
    tell(&s, 1, "log begun; work 2500");
    hark_wait_line(s.stage.hark, "worker=[0-9]+ begun");
    for (int qos = 0; qos <= 2; qos++)
        device_publish_message(s.stage.phone, &(struct message){.topic = "puppet/do",
                                                                .payload = "say out/late x",
                                                                .payload_len = 14,
                                                                .qos = qos,
                                                                .expiry_s = 1});
    for (int qos = 0; qos <= 2; qos++)
        hark_wait_line(s.stage.hark, "a message on puppet/do expired while it waited");
    nothing_is_left_at_the_broker(&s);
    assert_int_equal(device_count(s.stage.phone, "out/late"), 0);
}

static void a_full_queue_drops_the_oldest_at_qos_0_alone(void **unused)
{
    (void)unused;
    enum { QUEUE = 2, SENT = 6 };
    struct scene s = scene_with(&(struct broker_options){0}, "limits: { queue: 2 }\n");
    tell(&s, 0, "work 100; say out/first done"); /* it is slow: none is sent ahead */
    stage_expect(&s.stage, "out/first", "done");
    tell(&s, 0, "log begun; work 1500");
    hark_wait_line(s.stage.hark, "worker=[0-9]+ begun");
    for (int i = 0; i < SENT; i++) {
        char order[64];
        snprintf(order, sizeof order, "say out/%d done", i);
        device_publish(s.stage.phone, "puppet/do", order, 0);
        snprintf(order, sizeof order, "say out/kept/%d/%d done", i % 2 + 1, i);
        device_publish(s.stage.phone, "puppet/more", order, i % 2 + 1);
    }
    for (int i = 0; i < SENT; i++) {
        char topic[32];
        snprintf(topic, sizeof topic, "out/kept/%d/%d", i % 2 + 1, i);
        stage_expect(&s.stage, topic, "done");
    }
    hark_wait_line(s.stage.hark, "queue is full .limits.queue: 2.: dropped [0-9]+ of the oldest QoS 0");
    nothing_is_left_at_the_broker(&s);
    assert_int_equal(device_count(s.stage.phone, "out/kept/#"), SENT);
    assert_int_equal(device_count(s.stage.phone, "out/0"), 0);
    assert_in_range(device_count(s.stage.phone, "out/+"), 0, 1 + QUEUE + 1); /* out/first, out/still */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_killed_hark_loses_qos_0_alone),
        system_test(a_stop_finishes_what_is_at_work),
        system_test(a_second_signal_loses_qos_0_alone),
        system_test(what_waits_when_hark_stops_is_lost_at_qos_0_alone),
        system_test(a_frozen_hark_goes_on),
        system_test(what_killed_workers_had_runs_again),
        system_test(what_frozen_workers_had_runs_again_after_the_timeout),
        system_test(what_workers_of_a_killed_zygote_had_runs_again),
        system_test(what_is_at_work_when_the_connection_is_cut_is_answered_once),
        system_test(what_ends_while_the_connection_stalls_is_answered_once),
        system_test(what_is_at_work_when_the_connection_stalls_for_long_is_answered_once),
        system_test(what_is_at_work_when_the_broker_lets_go_in_silence_is_answered_once),
        system_test(what_is_at_work_when_the_broker_does_not_hear_of_a_cut_is_answered_once),
        system_test(what_is_at_work_when_the_broker_restarts_is_answered_once),
        system_test(what_the_broker_will_not_have_is_buried),
        system_test(what_is_at_work_when_a_version_is_deployed_is_answered_once),
        system_test(what_is_at_work_when_a_bad_version_comes_is_answered_once),
        system_test(what_is_at_work_when_its_function_goes_is_answered_once),
        system_test(what_crashes_at_every_attempt_is_buried),
        system_test(what_is_larger_than_the_limit_is_buried),
        system_test(what_came_through_too_many_functions_is_buried),
        system_test(what_expires_while_it_waits_is_discarded),
        system_test(a_full_queue_drops_the_oldest_at_qos_0_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

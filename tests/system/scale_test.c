/* scale_test.c: many functions, many messages, many topics, large messages: all of it arrives, and memory
 * stays where it is promised to stay. Of memory nothing is claimed under the sanitizers, which have their
 * own. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/stage.h"
#include "support/worker_pids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FUNCTIONS = 1000,
    HOT = 10,
    HOT_MESSAGES = 8000, /* for each of them */
    BURST = 100000,
    TOPICS = 10000,
    LARGE_BYTES = 16 << 20,
    READY_MS = 120000,
    ENOUGH_MS = 200000,
    PROCESSES_MAX = 4096
};

#define ECHO_MANIFEST                                                                                        \
    "handler: echo.so\n"                                                                                     \
    "publishes: [ echo/out ]\n"

/* ---- memory ---- */

/* What a file of /proc says behind `key`, in KiB. */
static unsigned long proc_kib(pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    unsigned long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0; /* it is gone */
    while (fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoul(line + strlen(key), NULL, 10);
    fclose(f);
    return kib;
}

/* The most that the dispatcher ever had. Everybody may see that. */
static unsigned long peak_kib(const struct hark *h)
{
    unsigned long kib = proc_kib(h->process->pid, "status", "VmHWM:");
    assert_int_not_equal(kib, 0);
    return kib;
}

#ifndef HARK_SANITIZED
/* Of hark and all that it started, what they share counted once. Only root may see that. */
static unsigned long weight_kib(const struct hark *h)
{
    pid_t pids[PROCESSES_MAX];
    size_t count = descendant_pids(h->process->pid, pids, PROCESSES_MAX);
    unsigned long kib = proc_kib(h->process->pid, "smaps_rollup", "Pss:");
    assert_int_not_equal(kib, 0);
    for (size_t i = 0; i < count; i++)
        kib += proc_kib(pids[i], "smaps_rollup", "Pss:");
    return kib;
}

static void weighs_at_most(const struct hark *h, unsigned long mib)
{
    unsigned long kib = weight_kib(h);
    print_message("all of hark weighs %lu KiB\n", kib);
    if (kib > mib * 1024)
        give_up("all of hark weighs %lu KiB, at most %lu MiB are promised", kib, mib);
}
#endif

static void grew_by_at_most(const struct hark *h, unsigned long before_kib, unsigned long mib)
{
    unsigned long kib = peak_kib(h);
    print_message("the dispatcher had %lu KiB before and %lu KiB at most\n", before_kib, kib);
#ifndef HARK_SANITIZED
    if (kib > before_kib + mib * 1024)
        give_up("the dispatcher had %lu KiB, then %lu KiB: more than %lu MiB more", before_kib, kib, mib);
#else
    (void)mib;
#endif
}

/* ---- many functions ---- */

static struct hark *a_thousand_functions(const struct broker *b)
{
    struct hark *h = hark_prepare(broker_url(b));
    hark_install(h, "echo.so", "echo.so");
    for (int i = 0; i < FUNCTIONS; i++) {
        char name[32];
        snprintf(name, sizeof name, "echo-%d", i);
        hark_manifest(h, name, "function: %s\ntriggers: [ { topic: echo/in/%d } ]\n" ECHO_MANIFEST, name, i);
    }
    return h;
}

static void until_ready(struct hark *h, const char *pattern)
{
    if (!lines_find(h->process->err, pattern, READY_MS))
        give_up("no line %s within %d s", pattern, READY_MS / 1000);
}

static ino_t record_inode(const struct hark *h, int i)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/" TEST_NODE "/echo-%d.json", h->state, i);
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void answers(struct device *phone, int i)
{
    char topic[32], text[32], expected[48];
    snprintf(topic, sizeof topic, "echo/in/%d", i);
    snprintf(text, sizeof text, "to %d", i);
    snprintf(expected, sizeof expected, "%s one", text);
    device_publish(phone, topic, text, 1);
    device_expect(phone, "echo/out", expected);
}

static void a_thousand_functions_serve_and_come_back_as_they_were(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = a_thousand_functions(b);
    ino_t inodes[FUNCTIONS];
    hark_start(h);
    until_ready(h, "^hark: ready: 1000 functions");
    struct device *phone = device_connect(broker_port(b), "phone");
    device_subscribe(phone, "echo/out", 1);
    answers(phone, 0);
    answers(phone, FUNCTIONS / 2);
    answers(phone, FUNCTIONS - 1);
    for (int i = 0; i < FUNCTIONS; i++)
        inodes[i] = record_inode(h, i);
    assert_int_equal(hark_stop(h), 0);

    hark_start(h);
    until_ready(h, "^hark: ready: 1000 functions");
    answers(phone, FUNCTIONS / 2);
    for (int i = 0; i < FUNCTIONS; i++)
        assert_int_equal(record_inode(h, i), inodes[i]); /* and the disk was left alone */
}

static void a_limit_of_open_files_too_low_is_said_with_numbers(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = a_thousand_functions(b);
    const char *const argv[] = {"prlimit", "--nofile=300:300", TEST_HARK,  "run",     "--node",  TEST_NODE,
                                "--state", h->state,           "--broker", h->broker, h->folder, NULL};
    h->process = process_start(&(struct process_options){.name = "hark", .argv = argv});
    hark_wait_line(h, "^hark: error: 1000 functions need some 2040 open files, and the limit is 300: ");
    assert_int_equal(hark_stop(h), 0);
}

#ifndef HARK_SANITIZED
static void an_idle_function_weighs_next_to_nothing(void **unused)
{
    (void)unused;
    if (geteuid() != 0)
        skip(); /* only root may weigh processes that are not dumpable */
    struct broker *b = broker_start();
    struct hark *h = a_thousand_functions(b);
    hark_start(h);
    until_ready(h, "^hark: ready: 1000 functions");
    weighs_at_most(h, 64);
}

static void hark_with_one_function_is_small(void **unused)
{
    (void)unused;
    if (geteuid() != 0)
        skip(); /* as above */
    struct stage s = stage_set();
    stage_puppet(&s, "instances: { min: 1 }\n");
    stage_still_serves(&s);
    weighs_at_most(s.hark, 5);
}
#endif

/* ---- many messages ---- */

static void given_one_echo(const struct broker *b)
{
    struct hark *h = hark_run(broker_url(b));
    hark_install(h, "echo.so", "echo.so");
    hark_manifest(h, "echo", "function: echo\ntriggers: [ { topic: echo/in } ]\n" ECHO_MANIFEST);
    hark_wait_line(h, "^hark: deployed echo ");
}

static struct tally *tally_replies(const struct broker *b, const char *id, size_t count)
{
    struct device *receiver = device_connect(broker_port(b), id);
    struct tally *tally = tally_create(count);
    device_tally(receiver, tally);
    device_subscribe(receiver, "echo/out", 1);
    return tally;
}

static void all_came_once(struct tally *t, size_t count)
{
    if (!tally_complete(t, ENOUGH_MS))
        give_up("%zu of %zu replies are missing", count - tally_distinct(t), count);
    assert_int_equal(tally_duplicates(t), 0);
    assert_int_equal(tally_strange(t), 0);
}

static void a_burst_onto_one_worker_loses_nothing(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    given_one_echo(b);
    struct device *sender = device_connect(broker_port(b), "sender");
    struct tally *tally = tally_replies(b, "receiver", BURST);
    device_flood(sender, "echo/in", BURST, 1000);
    device_flood_join(sender);
    all_came_once(tally, BURST);
}

static void given_milestones(struct hark *h, struct device *phone, const char *trigger)
{
    device_subscribe(phone, "milestone/out", 1);
    hark_install(h, "milestone.so", "milestone.so");
    hark_manifest(h, "milestone",
                  "function: milestone\nhandler: milestone.so\ntriggers: [ { topic: \"%s\" } ]\n"
                  "publishes: [ milestone/out ]\norder: topic\ninstances: { min: 1, max: 1 }\n",
                  trigger);
    hark_wait_line(h, "^hark: deployed milestone ");
}

static void milestones(struct device *phone, size_t from, size_t to)
{
    char expected[16];
    for (size_t i = from + 1000; i <= to; i += 1000) {
        snprintf(expected, sizeof expected, "%zu", i);
        device_expect(phone, "milestone/out", expected);
    }
}

/* What is more than limits.queue waits at the broker. With few outputs: mosquitto takes each that is sent at
 * QoS 1 for an acknowledgement, and lets one message more under way than Receive Maximum allows. */
static void a_burst_onto_one_worker_waits_outside(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_run(broker_url(b));
    struct device *phone = device_connect(broker_port(b), "phone");
    given_milestones(h, phone, "milestone/in");
    device_flood(phone, "milestone/in", TOPICS, 1000);
    milestones(phone, 0, TOPICS);
    device_flood_join(phone);
    unsigned long before_kib = peak_kib(h);
    device_flood(phone, "milestone/in", BURST, 1000);
    milestones(phone, TOPICS, TOPICS + BURST);
    device_flood_join(phone);
    grew_by_at_most(h, before_kib, 16); /* in which limits.queue may fill; all of them would take 50 */
}

static void topics_that_were_seen_leave_nothing_behind(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_run(broker_url(b));
    struct device *phone = device_connect(broker_port(b), "phone");
    unsigned long before_kib = 0;
    static const char *const days[] = {"first/in", "second/in", "third/in", "fourth/in"};
    given_milestones(h, phone, "+/in/+");
    for (size_t i = 0; i < 4; i++) {
        device_flood_topics(phone, days[i], TOPICS, 100);
        milestones(phone, i * TOPICS, (i + 1) * TOPICS);
        device_flood_join(phone);
        if (i == 0)
            before_kib = peak_kib(h);
    }
    grew_by_at_most(h, before_kib, 8); /* less than a lane and a message of each topic */
}

/* ---- many of both ---- */

/* The first HOT functions count their messages, and say each thousandth. */
static struct hark *a_thousand_of_which_some_will_be_hot(const struct broker *b)
{
    struct hark *h = a_thousand_functions(b);
    hark_install(h, "milestone.so", "milestone.so");
    for (int i = 0; i < HOT; i++) {
        char name[32];
        snprintf(name, sizeof name, "echo-%d", i);
        hark_manifest(h, name,
                      "function: %s\nhandler: milestone.so\ntriggers: [ { topic: hot/%d } ]\n"
                      "publishes: [ milestone/out ]\norder: topic\ninstances: { min: 1, max: 1 }\n",
                      name, i);
    }
    hark_start(h);
    until_ready(h, "^hark: ready: 1000 functions");
    return h;
}

static void flood_the_hot(struct device *const senders[HOT], size_t messages)
{
    static char topics[HOT][32]; /* the floods borrow them */
    for (int i = 0; i < HOT; i++) {
        snprintf(topics[i], sizeof topics[i], "hot/%d", i);
        device_flood(senders[i], topics[i], messages, 100);
    }
}

/* Each thousand is reached by each of them, in whatever order. */
static void all_reach(struct device *phone, struct device *const senders[HOT], size_t from, size_t to)
{
    unsigned reached[2 * HOT_MESSAGES / 1000 + 1] = {0};
    for (size_t left = HOT * (to - from) / 1000; left > 0; left--) {
        unsigned long thousands = strtoul(device_wait(phone, "milestone/out")->payload, NULL, 10) / 1000;
        assert_in_range(thousands, from / 1000 + 1, to / 1000);
        reached[thousands]++;
    }
    for (size_t i = from / 1000 + 1; i <= to / 1000; i++)
        assert_int_equal(reached[i], HOT);
    for (int i = 0; i < HOT; i++)
        device_flood_join(senders[i]);
}

static void ten_hot_functions_of_a_thousand_lose_nothing_and_stop_nobody(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = a_thousand_of_which_some_will_be_hot(b);
    struct device *phone = device_connect(broker_port(b), "phone"), *senders[HOT];
    device_subscribe(phone, "echo/out", 1);
    device_subscribe(phone, "milestone/out", 1);
    for (int i = 0; i < HOT; i++) {
        char id[32];
        snprintf(id, sizeof id, "sender-%d", i);
        senders[i] = device_connect(broker_port(b), id);
    }
    flood_the_hot(senders, HOT_MESSAGES);
    all_reach(phone, senders, 0, HOT_MESSAGES);
    unsigned long before_kib = peak_kib(h);
    flood_the_hot(senders, HOT_MESSAGES);
    for (int i = HOT; i < FUNCTIONS; i += FUNCTIONS / 5)
        answers(phone, i); /* from nothing, while the others work */
    assert_true(device_count(phone, "milestone/out") < 2 * HOT * HOT_MESSAGES / 1000);
    all_reach(phone, senders, HOT_MESSAGES, 2 * HOT_MESSAGES);
    grew_by_at_most(h, before_kib, 24); /* in which their queues may fill; all of them would take 50 */
}

/* ---- large messages ---- */

static void fill(char *bytes, size_t len)
{
    uint32_t x = 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(x >> 24);
    }
}

static void a_message_of_sixteen_mebibytes_comes_back_whole(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct hark *h = hark_run(broker_url(b));
    struct device *phone = device_connect(broker_port(b), "phone");
    char *bytes = malloc(LARGE_BYTES + 1);
    assert_non_null(bytes);
    at_end_of_test(free, bytes);
    fill(bytes, LARGE_BYTES + 1);
    file_copy(path_in(TEST_FUNCTIONS, "relay.so"), hark_file(h, "relay.so"));
    hark_manifest(h, "relay",
                  "function: relay\nhandler: relay.so\ntriggers: [ { topic: large } ]\n"
                  "publishes: [ out/large ]\nlimits: { payload: 16MiB, memory: 128MiB }\n");
    hark_wait_line(h, "^hark: deployed relay ");
    device_subscribe(phone, "out/large", 1);
    device_subscribe(phone, "hark/dead/relay", 1);
    for (int round = 0; round < 3; round++) {
        device_publish_message(
            phone,
            &(struct message){.topic = "large", .payload = bytes, .payload_len = LARGE_BYTES, .qos = 1});
        const struct message *back = device_wait(phone, "out/large");
        assert_int_equal(back->payload_len, LARGE_BYTES);
        assert_memory_equal(back->payload, bytes, LARGE_BYTES);
    }
    device_publish_message(
        phone,
        &(struct message){.topic = "large", .payload = bytes, .payload_len = LARGE_BYTES + 1, .qos = 1});
    assert_int_equal(device_wait(phone, "hark/dead/relay")->payload_len, LARGE_BYTES + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_thousand_functions_serve_and_come_back_as_they_were),
        system_test(a_limit_of_open_files_too_low_is_said_with_numbers),
#ifndef HARK_SANITIZED
        system_test(an_idle_function_weighs_next_to_nothing),
        system_test(hark_with_one_function_is_small),
#endif
        system_test(a_burst_onto_one_worker_loses_nothing),
        system_test(a_burst_onto_one_worker_waits_outside),
        system_test(topics_that_were_seen_leave_nothing_behind),
        system_test(ten_hot_functions_of_a_thousand_lose_nothing_and_stop_nobody),
        system_test(a_message_of_sixteen_mebibytes_comes_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

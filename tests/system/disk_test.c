/* disk_test.c: a disk that is full, or that hark may not write to: what needs no disk goes on, what does is
 * said once, and its end is said too. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/small_disk.h"
#include "support/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DISK_KIB = 64 };

#define AGAIN    "^hark: function=puppet its session is remembered again$"
#define FORGOT   "^hark: error: function=puppet cannot remember its session: .*puppet.json: .*: "
#define NOT_KEPT "^hark: error: [0-9]+ dead letters are not kept in .*/dead: "
#define KEPT     "^hark: dead letters are kept in .*/dead again; meanwhile "

/* With one message at a time from the broker, the next one comes only when the one before is acknowledged. */
#define ONE_AT_A_TIME "limits: { queue: 1 }\nretry: { attempts: 1, max_backoff: 1s }\n"

static bool has_small_disks;

#define NEEDS_SMALL_DISKS                                                                                    \
    do {                                                                                                     \
        if (!has_small_disks) {                                                                              \
            print_message("this machine gives an ordinary user no mount namespace\n");                       \
            skip();                                                                                          \
        }                                                                                                    \
    } while (0)

static void listen(struct stage *s)
{
    s->phone = device_connect(broker_port(s->broker), "phone");
    device_subscribe(s->phone, "out/#", 2);
    device_subscribe(s->phone, "hark/dead/#", 2);
}

static struct stage on_a_small_disk(const struct broker_options *o)
{
    struct stage s = {.broker = broker_start_with(o)};
    s.hark = hark_prepare(broker_url(s.broker));
    small_disk_mount(s.hark->state, DISK_KIB);
    listen(&s);
    return s;
}

static void start(struct stage *s)
{
    hark_start(s->hark);
    hark_wait_line(s->hark, "^hark: ready: ");
}

/* The puppet with a second topic that it listens to. */
static void change_to(struct stage *s, const char *topic)
{
    hark_manifest(s->hark, "puppet",
                  "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\n"
                  "triggers: [ { topic: puppet/do }, { topic: %s } ]\n",
                  topic);
}

static void is_deployed(struct stage *s)
{
    hark_wait_line(s->hark, "^hark: deployed puppet ");
}

static void hears(struct stage *s, const char *topic)
{
    char order[96];
    snprintf(order, sizeof order, "say out/heard %s", topic);
    device_publish(s->phone, topic, order, 1);
    stage_expect(s, "out/heard", topic);
}

static bool remembers(struct stage *s, const char *filter)
{
    size_t len;
    char *record = file_read(path_in(s->hark->state, TEST_NODE "/puppet.json"), &len);
    bool found = strstr(record, filter) != NULL;
    free(record);
    return found;
}

static void deploys_go_on_and_are_remembered_when_there_is_room(struct stage *s,
                                                                void (*close)(struct stage *),
                                                                void (*open)(struct stage *), const char *why)
{
    char forgot[160];
    snprintf(forgot, sizeof forgot, FORGOT "%s", why);
    close(s);
    change_to(s, "first/more");
    hark_wait_line(s->hark, forgot);
    is_deployed(s);
    hears(s, "first/more");
    change_to(s, "second/more");
    is_deployed(s);
    hears(s, "second/more");
    assert_false(remembers(s, "second/more"));
    assert_int_equal(hark_count_lines(s->hark, FORGOT), 1);
    open(s);
    hark_wait_line(s->hark, AGAIN);
    assert_true(remembers(s, "second/more"));
    assert_int_equal(hark_count_lines(s->hark, FORGOT), 1);
}

static void fill(struct stage *s)
{
    small_disk_fill(s->hark->state);
}

static void make_room(struct stage *s)
{
    small_disk_free(s->hark->state);
}

static void a_full_disk_holds_no_deploy_up(void **unused)
{
    (void)unused;
    NEEDS_SMALL_DISKS;
    struct stage s = on_a_small_disk(&(struct broker_options){0});
    start(&s);
    stage_puppet(&s, "");
    deploys_go_on_and_are_remembered_when_there_is_room(&s, fill, make_room, "No space left on device;");
}

/* What was removed while hark was down is unsubscribed, though the disk was full when it was deployed. */
static void what_was_remembered_late_is_unsubscribed_all_the_same(void **unused)
{
    (void)unused;
    NEEDS_SMALL_DISKS;
    struct stage s = on_a_small_disk(&(struct broker_options){0});
    start(&s);
    stage_puppet(&s, "");
    fill(&s);
    change_to(&s, "late/more");
    is_deployed(&s);
    hears(&s, "late/more");
    make_room(&s);
    hark_wait_line(s.hark, AGAIN);
    hark_kill(s.hark);
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST);
    start(&s);
    device_publish(s.phone, "late/more", "say out/heard late", 1);
    stage_still_serves(&s);
    assert_int_equal(device_count(s.phone, "out/heard"), 1); /* hears, above */
}

static void hark_starts_on_a_full_disk(void **unused)
{
    (void)unused;
    NEEDS_SMALL_DISKS;
    struct stage s = on_a_small_disk(&(struct broker_options){0});
    fill(&s);
    hark_start(s.hark);
    hark_wait_line(s.hark, "the node's own name cannot be written: No space left on device$");
    hark_wait_line(s.hark, "^hark: ready: ");
    stage_puppet(&s, "");
    stage_still_serves(&s);
    assert_int_equal(hark_count_lines(s.hark, FORGOT "No space left on device;"), 1);
    make_room(&s);
    hark_wait_line(s.hark, AGAIN);
}

/* ---- dead letters ---- */

static size_t listed(struct hark *h)
{
    struct outcome o = hark_command("dead", "--state", h->state, "--node", TEST_NODE, "list");
    size_t lines = 0;
    assert_int_equal(o.code, 0);
    for (const char *at = o.out; *at; at++)
        lines += *at == '\n';
    return lines;
}

/* One at each QoS: published, and acknowledged. */
static void three_are_buried(struct stage *s)
{
    for (int qos = 0; qos <= 2; qos++) {
        device_publish(s->phone, "puppet/do", "reject", qos);
        device_expect(s->phone, "hark/dead/puppet", "reject");
    }
    stage_still_serves(s);
}

static void deploy_at_qos_2(struct stage *s)
{
    hark_install(s->hark, "puppet.so", "puppet.so");
    hark_manifest(s->hark, "puppet",
                  "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\n"
                  "triggers: [ { topic: puppet/do, qos: 2 } ]\n" ONE_AT_A_TIME);
    is_deployed(s);
}

static void dead_letters_go_on_and_are_kept_when_there_is_room(struct stage *s, void (*close)(struct stage *),
                                                               void (*open)(struct stage *), const char *why)
{
    char not_kept[128];
    snprintf(not_kept, sizeof not_kept, NOT_KEPT "%s; the broker has them", why);
    close(s);
    three_are_buried(s);
    hark_wait_line(s->hark, not_kept);
    assert_int_equal(listed(s->hark), 0);
    open(s);
    stage_tell(s, "reject");
    hark_wait_line(s->hark, KEPT "3 were not$");
    assert_int_equal(listed(s->hark), 1);
    assert_int_equal(hark_count_lines(s->hark, KEPT), 1);
}

static void on_a_full_disk_dead_letters_are_published_and_acknowledged(void **unused)
{
    (void)unused;
    NEEDS_SMALL_DISKS;
    struct stage s = on_a_small_disk(&(struct broker_options){0});
    start(&s);
    deploy_at_qos_2(&s);
    dead_letters_go_on_and_are_kept_when_there_is_room(&s, fill, make_room, "No space left on device");
}

/* Neither the disk nor the broker takes it: it is not acknowledged, and tried until one of them does. */
static void what_neither_disk_nor_broker_takes_waits_for_either(void **unused)
{
    (void)unused;
    NEEDS_SMALL_DISKS;
    struct stage s =
        on_a_small_disk(&(struct broker_options){.acl = "topic readwrite #\ntopic deny hark/dead/puppet\n"});
    start(&s);
    stage_puppet(&s, ONE_AT_A_TIME);
    fill(&s);
    stage_tell(&s, "reject");
    hark_wait_line(s.hark, "the dead letter for a message on puppet/do was not taken by the broker");
    stage_tell(&s, "say out/next x");
    hark_wait_line(s.hark, "the dead letter for a message on puppet/do was not taken by the broker");
    assert_int_equal(device_count(s.phone, "out/next"), 0);
    make_room(&s);
    hark_wait_line(s.hark, "is kept on this machine alone: hark dead list");
    stage_expect(&s, "out/next", "x");
    assert_int_equal(listed(s.hark), 1);
}

/* ---- a folder that was taken away from hark's user ---- */

static void set_mode(struct stage *s, mode_t mode)
{
    assert_int_equal(chmod(path_in(s->hark->state, TEST_NODE), mode), 0);
    assert_int_equal(chmod(path_in(s->hark->state, TEST_NODE "/dead"), mode), 0);
}

static void take_away(struct stage *s)
{
    set_mode(s, 0500);
}

static void give_back(struct stage *s)
{
    set_mode(s, 0700);
}

static struct stage of_an_ordinary_user(void)
{
    struct stage s = {.broker = broker_start()};
    s.hark = hark_prepare(broker_url(s.broker));
    s.hark->as_nobody = true;
    assert_int_equal(chmod(s.hark->state, 0777), 0);
    listen(&s);
    start(&s);
    return s;
}

static void a_folder_that_may_not_be_written_holds_no_deploy_up(void **unused)
{
    (void)unused;
    struct stage s = of_an_ordinary_user();
    stage_puppet(&s, "");
    deploys_go_on_and_are_remembered_when_there_is_room(&s, take_away, give_back, "Permission denied;");
}

static void without_permission_dead_letters_are_published_and_acknowledged(void **unused)
{
    (void)unused;
    struct stage s = of_an_ordinary_user();
    deploy_at_qos_2(&s);
    dead_letters_go_on_and_are_kept_when_there_is_room(&s, take_away, give_back, "Permission denied");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_full_disk_holds_no_deploy_up),
        system_test(what_was_remembered_late_is_unsubscribed_all_the_same),
        system_test(hark_starts_on_a_full_disk),
        system_test(on_a_full_disk_dead_letters_are_published_and_acknowledged),
        system_test(what_neither_disk_nor_broker_takes_waits_for_either),
        system_test(a_folder_that_may_not_be_written_holds_no_deploy_up),
        system_test(without_permission_dead_letters_are_published_and_acknowledged),
    };
    has_small_disks = small_disk_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

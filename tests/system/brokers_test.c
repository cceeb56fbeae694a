/* brokers_test.c: functions of one node at several brokers, and functions that move from one to another. */
#include "support/certificates.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { QUEUED = 50 };

/* Two brokers, `site` being the default; a hark that knows both, not started. */
struct sites {
    struct broker *site, *lab;
    struct hark *hark;
};

static void write_config(struct sites *s, const char *broker)
{
    file_print(s->hark->config,
               "broker: %s\nbrokers:\n  site: { url: \"%s\" }\n  lab: { url: \"%s\", keep_alive: 5s }\n",
               broker, broker_url(s->site), broker_url(s->lab));
}

static struct sites sites_prepare_with(const struct broker_options *site)
{
    struct sites s = {broker_start_with(site), broker_start(), hark_prepare(NULL)};
    s.hark->config = path_in(s.hark->state, "hark.yaml");
    write_config(&s, "site");
    hark_install(s.hark, "puppet.so", "puppet.so");
    return s;
}

static struct sites sites_prepare(void)
{
    return sites_prepare_with(&(struct broker_options){0});
}

static void puppet_at(struct sites *s, const char *broker)
{
    hark_manifest(s->hark, "puppet", PUPPET_MANIFEST "broker: %s\n", broker);
}

/* A message at this broker reaches the puppet, and its answer comes back there. */
static void serves_at(struct broker *b, const char *id)
{
    struct device *d = device_connect(broker_port(b), id);
    device_subscribe(d, "out/#", 1);
    device_publish(d, "puppet/do", "say out/heard yes", 1);
    device_expect(d, "out/heard", "yes");
    device_disconnect(d);
}

static void each_function_is_at_its_broker(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare();
    puppet_at(&s, "lab");
    hark_install(s.hark, "echo.so", "echo.so");
    hark_manifest(
        s.hark, "echo",
        "function: echo\nhandler: echo.so\ntriggers: [ { topic: echo/in } ]\npublishes: [ echo/out ]\n");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 2 functions");
    serves_at(s.lab, "visitor");
    broker_wait_line(s.lab, other_broker_lacks("mqtt5") ? "as hark/" TEST_NODE "/puppet \\(p2, c0, k5\\)"
                                                        : "as hark/" TEST_NODE "/puppet \\(p5, c0, k5\\)");
    struct device *d = device_connect(broker_port(s.site), "visitor");
    device_subscribe(d, "echo/out", 1);
    device_publish(d, "echo/in", "1", 1);
    device_expect(d, "echo/out", "1 one");
    assert_false(broker_says_again(s.lab, "hark/" TEST_NODE "/echo", 1, 0));
    assert_false(broker_says_again(s.site, "hark/" TEST_NODE "/puppet", 1, 0));
}

static void default_is_what_the_node_has_chosen(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare();
    write_config(&s, "lab");
    puppet_at(&s, "default");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    serves_at(s.lab, "visitor");
}

static void an_unknown_broker_is_refused_with_its_place(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare();
    puppet_at(&s, "lap");
    hark_start(s.hark);
    hark_wait_line(s.hark,
                   "^hark: error: .*/puppet\\.yaml:5:9: broker: this node has no broker 'lap': did you mean "
                   "'lab'\\?$");
    hark_wait_line(s.hark, "^hark: ready: 0 functions");
    puppet_at(&s, "lab");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    serves_at(s.lab, "visitor");
}

static void a_broker_that_is_away_holds_up_only_its_own(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare();
    puppet_at(&s, "site");
    hark_install(s.hark, "echo.so", "echo.so");
    hark_manifest(s.hark, "echo",
                  "function: echo\nhandler: echo.so\ntriggers: [ { topic: echo/in } ]\n"
                  "publishes: [ echo/out ]\nbroker: lab\n");
    broker_kill(s.lab);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    static const char refused[] = "^hark: warning: broker .*connection refused";
    if (hark_count_lines(s.hark, refused) == 0) /* it comes before the other line, or behind it */
        hark_wait_line(s.hark, refused);
    serves_at(s.site, "visitor");
}

/* ---- moves ---- */

static void queue_orders(struct device *d)
{
    char order[64];
    for (int i = 0; i < QUEUED; i++) {
        snprintf(order, sizeof order, "say out/n %d", i);
        device_publish(d, "puppet/do", order, 1);
    }
}

/* Makes the puppet busy, so that what comes now waits: some here, most at the broker. */
static void fill_the_queue(struct sites *s, struct device *d)
{
    device_publish(d, "puppet/do", "log begun; work 1000", 1);
    hark_wait_line(s->hark, "worker=[0-9]+ begun");
    queue_orders(d);
}

static void all_of_the_queue_comes(struct device *d)
{
    char text[16];
    for (int i = 0; i < QUEUED; i++) {
        snprintf(text, sizeof text, "%d", i);
        device_expect(d, "out/n", text);
    }
}

static void a_function_that_moves_takes_along_what_is_queued(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare();
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST "limits: { queue: 5 }\n");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    struct device *d = device_connect(broker_port(s.site), "watcher");
    device_subscribe(d, "out/#", 1);
    fill_the_queue(&s, d);
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST "limits: { queue: 5 }\nbroker: lab\n");
    char line[128];
    snprintf(line, sizeof line, "^hark: puppet moves from broker mqtt://%s127.0.0.1:%u to ",
             other_broker_user(), broker_port(s.site));
    hark_wait_line(s.hark, line);
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    serves_at(s.lab, "visitor"); /* at once, while the old broker's queue is worked on */
    all_of_the_queue_comes(d);
    hark_wait_line(s.hark, "^hark: puppet has nothing left at broker ");
    struct device *ghost = device_connect_with(&(struct device_options){
        .port = broker_port(s.site), .id = "hark/" TEST_NODE "/puppet", .is_v311 = true, .resumes = true});
    assert_false(device_found_session(ghost)); /* it was ended */
    assert_int_equal(access(path_in(s.hark->state, TEST_NODE "/puppet@site.json"), F_OK), -1);
    serves_at(s.lab, "visitor2");
}

static void a_move_while_hark_is_down_leaves_nothing_behind(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare();
    puppet_at(&s, "site");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    assert_int_equal(hark_stop(s.hark), 0);
    struct device *d = device_connect(broker_port(s.site), "watcher");
    device_subscribe(d, "out/#", 1);
    queue_orders(d);
    puppet_at(&s, "lab");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: puppet was at broker .*: what is queued there comes first$");
    all_of_the_queue_comes(d);
    hark_wait_line(s.hark, "^hark: puppet has nothing left at broker ");
    serves_at(s.lab, "visitor");
}

static void a_move_waits_for_an_old_broker_that_is_away(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare_with(&(struct broker_options){.keeps_sessions = true});
    puppet_at(&s, "site");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    assert_int_equal(hark_stop(s.hark), 0);
    struct device *d = device_connect_with(&(struct device_options){
        .port = broker_port(s.site), .id = "watcher", .is_v311 = true, .resumes = true});
    device_subscribe(d, "out/#", 1);
    queue_orders(d);
    broker_stop(s.site);
    puppet_at(&s, "lab");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: puppet was at broker .*: what is queued there comes first$");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    serves_at(s.lab, "visitor");
    assert_int_equal(hark_stop(s.hark), 0); /* it does not wait for what cannot be reached */
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: warning: broker .*connection refused");
    broker_up(s.site);
    all_of_the_queue_comes(d);
    hark_wait_line(s.hark, "^hark: puppet has nothing left at broker ");
}

/* A broker that listens with and without TLS, known by both ways. */
static void a_move_to_tls_at_the_same_broker_keeps_the_session(void **unused)
{
    (void)unused;
    const char *folder = folder_create(), *crt = path_in(folder, "broker.crt"),
               *key = path_in(folder, "broker.key");
    struct certificate c =
        certificate_make(&(struct certificate_options){.name = "broker", .alternatives = "IP:127.0.0.1"});
    certificate_write(&c, crt);
    certificate_write_key(&c, key, NULL);
    certificate_free(&c);
    struct broker *b = broker_start_with(&(struct broker_options){.certificate = crt, .key = key});
    struct sites s = {.site = b, .lab = b, .hark = hark_prepare(NULL)};
    s.hark->config = path_in(s.hark->state, "hark.yaml");
    file_print(s.hark->config,
               "broker: site\nbrokers:\n  site: { url: \"%s\" }\n"
               "  safe: { url: \"mqtts://%s127.0.0.1:%u\", ca_file: %s }\n",
               broker_url(b), other_broker_login(), broker_tls_port(b), crt);
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST "limits: { queue: 5 }\n");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    struct device *d = device_connect(broker_port(b), "watcher");
    device_subscribe(d, "out/#", 1);
    fill_the_queue(&s, d);
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST "limits: { queue: 5 }\nbroker: safe\n");
    hark_wait_line(s.hark, "^hark: deployed puppet .* replaces=");
    all_of_the_queue_comes(d);
    serves_at(b, "visitor");
}

static void a_function_may_turn_back_at_once(void **unused)
{
    (void)unused;
    struct sites s = sites_prepare();
    puppet_at(&s, "site");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    puppet_at(&s, "lab");
    hark_wait_line(s.hark, "^hark: puppet moves from ");
    puppet_at(&s, "site");
    hark_wait_line(s.hark, "^hark: puppet moves from ");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    serves_at(s.site, "visitor");
    assert_int_equal(hark_stop(s.hark), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(each_function_is_at_its_broker),
        system_test(default_is_what_the_node_has_chosen),
        system_test(an_unknown_broker_is_refused_with_its_place),
        system_test(a_broker_that_is_away_holds_up_only_its_own),
        system_test(a_function_that_moves_takes_along_what_is_queued),
        system_test(a_move_while_hark_is_down_leaves_nothing_behind),
        system_test(a_move_waits_for_an_old_broker_that_is_away),
        system_test(a_move_to_tls_at_the_same_broker_keeps_the_session),
        system_test(a_function_may_turn_back_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* slow_link_test.c: a line like a satellite's: 300 ms each way, narrow, with cuts and silences. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/proxy.h"
#include "support/slow_link.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DELAY_MS = 300,
    KEEP_ALIVE_S = 5,
    WATCHED_MS = 2 * KEEP_ALIVE_S * 1000,
    LARGE_BYTES = 1 << 20,
    NARROW_BYTES_PER_S = 80 * 1024, /* the large one takes longer than 1.5 keep-alives */
    OUTPUTS = 20
};

static struct hark *hark_with_keep_alive(uint16_t port)
{
    struct hark *h = hark_prepare(NULL);
    h->config = path_in(h->state, "hark.yaml");
    file_print(h->config, "brokers:\n  site: { url: \"mqtt://%s127.0.0.1:%u\", keep_alive: %ds }\n",
               other_broker_login(), port, KEEP_ALIVE_S);
    return h;
}

static void start_puppet(struct hark *h)
{
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST "limits: { payload: 4MiB }\n");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
}

static struct device *watcher(struct broker *b)
{
    struct device *d = device_connect(broker_port(b), "watcher");
    device_subscribe(d, "out/#", 1);
    return d;
}

static void a_far_broker_is_served_and_not_left(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct slow_link *l =
        slow_link_start(&(struct slow_link_options){.upstream_port = broker_port(b), .delay_ms = DELAY_MS});
    struct hark *h = hark_with_keep_alive(slow_link_port(l));
    start_puppet(h);
    struct device *d = watcher(b);
    device_publish(d, "puppet/do", "say out/far yes", 1);
    device_expect(d, "out/far", "yes");
    assert_false(broker_says_again(b, "as hark/" TEST_NODE "/puppet", 2, WATCHED_MS)); /* pings are in time */
    assert_int_equal(hark_stop(h), 0);
}

/* How soon is what unit/session_test knows: this machine may be late. */
static void a_half_open_connection_is_noticed(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct slow_link *l =
        slow_link_start(&(struct slow_link_options){.upstream_port = broker_port(b), .delay_ms = DELAY_MS});
    struct proxy *p = proxy_start(slow_link_port(l));
    struct hark *h = hark_with_keep_alive(proxy_port(p));
    start_puppet(h);
    proxy_half_open(p);
    hark_wait_line(h, "^hark: warning: broker .*: the broker does not answer PINGREQ");
    hark_wait_line(h, "^hark: broker .*: connected");
    struct device *d = watcher(b);
    device_publish(d, "puppet/do", "say out/far yes", 1);
    device_expect(d, "out/far", "yes");
}

static void a_large_output_on_a_narrow_line_is_no_dead_line(void **unused)
{
    (void)unused;
    need_of_broker("slow-packets");
    struct broker *b = broker_start();
    struct slow_link *l = slow_link_start(&(struct slow_link_options){
        .upstream_port = broker_port(b), .delay_ms = DELAY_MS, .bytes_per_s = NARROW_BYTES_PER_S});
    struct hark *h = hark_with_keep_alive(slow_link_port(l));
    start_puppet(h);
    struct device *d = watcher(b);
    char order[64];
    snprintf(order, sizeof order, "big out/big %d", LARGE_BYTES);
    device_publish(d, "puppet/do", order, 1);
    assert_int_equal(device_wait(d, "out/big")->payload_len, LARGE_BYTES);
    assert_false(broker_says_again(b, "as hark/" TEST_NODE "/puppet", 2, 0)); /* on the first connection */
}

static void a_cut_alone_runs_nothing_twice(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    struct slow_link *l =
        slow_link_start(&(struct slow_link_options){.upstream_port = broker_port(b), .delay_ms = DELAY_MS});
    struct proxy *p = proxy_start(slow_link_port(l));
    struct hark *h = hark_with_keep_alive(proxy_port(p));
    start_puppet(h);
    struct device *d = watcher(b);
    device_publish(d, "puppet/do", "log begun; work 2500; say out/done yes", 1);
    hark_wait_line(h, "function=puppet worker=[0-9]+ begun");
    assert_int_equal(proxy_cut(p), 2); /* the node's connection, the function's */
    device_expect(d, "out/done", "yes");
    device_publish(d, "puppet/do", "say out/next yes", 1);
    device_expect(d, "out/next", "yes");
    assert_int_equal(hark_count_lines(h, "function=puppet worker=[0-9]+ begun"), 1);
    assert_int_equal(device_count(d, "out/done"), 1);
}

static void outputs_made_in_a_silence_go_out_in_order(void **unused)
{
    (void)unused;
    char order[1024] = "log begun; work 300";
    struct broker *b = broker_start();
    struct slow_link *l =
        slow_link_start(&(struct slow_link_options){.upstream_port = broker_port(b), .delay_ms = DELAY_MS});
    struct proxy *p = proxy_start(slow_link_port(l));
    struct hark *h = hark_with_keep_alive(proxy_port(p));
    start_puppet(h);
    struct device *d = watcher(b);
    for (int i = 0; i < OUTPUTS; i++)
        sprintf(order + strlen(order), "; say out/n %d", i);
    strcat(order, "; log finished");
    device_publish(d, "puppet/do", order, 1);
    hark_wait_line(h, "function=puppet worker=[0-9]+ begun");
    proxy_stall(p);
    hark_wait_line(h, "function=puppet worker=[0-9]+ finished");
    hark_wait_line(h, "^hark: warning: broker ");
    proxy_cut(p);
    proxy_resume(p);
    for (int i = 0; i < OUTPUTS; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        device_expect(d, "out/n", text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_far_broker_is_served_and_not_left),
        system_test(a_half_open_connection_is_noticed),
        system_test(a_large_output_on_a_narrow_line_is_no_dead_line),
        system_test(a_cut_alone_runs_nothing_twice),
        system_test(outputs_made_in_a_silence_go_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

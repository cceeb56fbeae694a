/* fallback_test.c: a broker that speaks MQTT 3.1.1 alone, and a hark that was not told so. */
#include "support/cleanup.h"
#include "support/other_broker.h"
#include "support/proxy.h"
#include "support/stage.h"

#include <stdio.h>

#define STATUS  "hark/" TEST_NODE "/status"
#define SAYS_SO "^hark: warning: broker .*: speaks MQTT 3\\.1\\.1, not 5: no user properties"

/* A node without functions has been turned away with 5, 5 and 3.1.1, and waits. */
enum { A_WAIT_AFTER = 3 };

struct old_site {
    struct broker *broker;
    struct proxy *proxy;
    struct device *phone;
    struct hark *hark; /* not started */
};

static struct old_site site_prepare(void)
{
    struct old_site s = {.broker = broker_start()};
    s.proxy = proxy_start(broker_port(s.broker));
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    device_subscribe(s.phone, STATUS, 1);
    s.hark = hark_prepare(proxy_url(s.proxy));
    return s;
}

static void install_puppet(struct old_site *s)
{
    hark_install(s->hark, "puppet.so", "puppet.so");
    hark_manifest(s->hark, "puppet", "%s", PUPPET_MANIFEST);
}

static struct old_site site_that_refuses_5(bool silent)
{
    struct old_site s = site_prepare();
    install_puppet(&s);
    proxy_refuse_5(s.proxy, silent);
    hark_start(s.hark);
    hark_wait_line(s.hark, SAYS_SO);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    return s;
}

/* `say` or `say2`. On a topic of its own: after a cut, an answer may come twice. */
static const struct message *answer(struct old_site *s, const char *say)
{
    static unsigned turn;
    char order[64], topic[32];
    snprintf(topic, sizeof topic, "out/%u", ++turn);
    snprintf(order, sizeof order, "%s %s heard", say, topic);
    device_publish(s->phone, "puppet/do", order, 1);
    return device_wait(s->phone, topic);
}

/* Its own connections, and those of the node and of outputs at QoS 2. */
static void serves(struct old_site *s)
{
    device_expect(s->phone, STATUS, "online");
    answer(s, "say");
    answer(s, "say2");
}

static void a_refusal_in_words_leads_to_3_1_1(void **unused)
{
    (void)unused;
    struct old_site s = site_that_refuses_5(false);
    serves(&s);
    proxy_cut(s.proxy);
    device_expect(s.phone, STATUS, "offline");
    serves(&s);
    assert_int_equal(hark_count_lines(s.hark, SAYS_SO), 1);
}

static void hanging_up_leads_to_3_1_1(void **unused)
{
    (void)unused;
    struct old_site s = site_that_refuses_5(true);
    serves(&s);
    proxy_cut(s.proxy);
    device_expect(s.phone, STATUS, "offline");
    serves(&s);
    assert_int_equal(hark_count_lines(s.hark, SAYS_SO), 1);
}

static void after_a_restart_it_is_the_same(void **unused)
{
    (void)unused;
    struct old_site s = site_that_refuses_5(true);
    serves(&s);
    assert_int_equal(hark_stop(s.hark), 0);
    device_expect(s.phone, STATUS, "offline");
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    serves(&s);
}

static void speaks_5(struct old_site *s)
{
    const char *hops = message_property(answer(s, "say"), "hark-hops");
    assert_non_null(hops);
    assert_string_equal(hops, "1");
}

/* What hung up may have been something else. */
static void a_broker_that_takes_5_later_is_met_with_5(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct old_site s = site_that_refuses_5(true);
    assert_null(message_property(answer(&s, "say"), "hark-hops"));
    proxy_take_5(s.proxy);
    proxy_cut(s.proxy);
    hark_wait_line(s.hark, "^hark: broker .*: connected");
    speaks_5(&s);
}

static void a_broker_that_is_replaced_by_one_of_3_1_1_is_served(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct old_site s = site_prepare();
    install_puppet(&s);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    speaks_5(&s);
    proxy_refuse_5(s.proxy, false);
    proxy_cut(s.proxy);
    hark_wait_line(s.hark, SAYS_SO);
    assert_null(message_property(answer(&s, "say"), "hark-hops"));
}

/* Such as one that accepts for a broker that is not there yet. */
static void a_proxy_that_hangs_up_at_the_start_does_not_make_hark_speak_mqtt_3(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct old_site s = site_prepare();
    proxy_hang_up(s.proxy, true);
    hark_start(s.hark);
    assert_true(proxy_accepts(s.proxy, A_WAIT_AFTER, GUARD_MS));
    proxy_hang_up(s.proxy, false);
    device_expect(s.phone, STATUS, "online");
    install_puppet(&s);
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    speaks_5(&s);
    assert_int_equal(hark_count_lines(s.hark, SAYS_SO), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_refusal_in_words_leads_to_3_1_1),
        system_test(hanging_up_leads_to_3_1_1),
        system_test(after_a_restart_it_is_the_same),
        system_test(a_broker_that_takes_5_later_is_met_with_5),
        system_test(a_broker_that_is_replaced_by_one_of_3_1_1_is_served),
        system_test(a_proxy_that_hangs_up_at_the_start_does_not_make_hark_speak_mqtt_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

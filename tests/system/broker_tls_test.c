/* broker_tls_test.c: brokers behind TLS, good ones and bad ones, and what hark says of them. */
#include "shared/clock.h"
#include "support/certificates.h"
#include "support/cleanup.h"
#include "support/fake_broker.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/proxy.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MESSAGES = 10000, STEP = 2500, CUT_MS = 1000, ENOUGH_MS = 80000, YEAR_S = 365 * 24 * 3600 };
enum { LARGE_BYTES = 3 << 20 };

/* A folder with an authority, and what it has signed. */
struct trust {
    const char *folder;
    struct certificate ca;
};

static const char *in(const struct trust *t, const char *name)
{
    return path_in(t->folder, name);
}

static void free_certificate(void *thing)
{
    certificate_free(thing);
    free(thing);
}

static struct trust trust_make_as(const char *authority)
{
    struct trust t = {folder_create(), certificate_make(&(struct certificate_options){.name = authority,
                                                                                      .is_authority = true})};
    struct certificate *kept = malloc(sizeof *kept);
    *kept = t.ca;
    at_end_of_test(free_certificate, kept);
    certificate_write(&t.ca, in(&t, "ca.crt"));
    return t;
}

static struct trust trust_make(void)
{
    return trust_make_as("Test Authority");
}

static void trust_issue(const struct trust *t, const char *name, const struct certificate_options *o)
{
    char file[64];
    struct certificate c = certificate_make(o);
    snprintf(file, sizeof file, "%s.crt", name);
    certificate_write(&c, in(t, file));
    snprintf(file, sizeof file, "%s.key", name);
    certificate_write_key(&c, in(t, file), NULL);
    certificate_free(&c);
}

static void issue_good(const struct trust *t)
{
    trust_issue(t, "broker",
                &(struct certificate_options){
                    .name = "broker", .alternatives = "DNS:localhost,IP:127.0.0.1", .signer = &t->ca});
}

static struct broker *broker_behind_tls(const struct trust *t, bool wants_ours)
{
    return broker_start_with(&(struct broker_options){.certificate = in(t, "broker.crt"),
                                                      .key = in(t, "broker.key"),
                                                      .client_ca = wants_ours ? in(t, "ca.crt") : NULL});
}

/* A hark with the puppet; its hark.yaml in the folder of the trust: `broker: site`, with more keys. */
static struct hark *hark_to(const struct trust *t, const char *host, uint16_t port, const char *more)
{
    struct hark *h = hark_prepare(NULL);
    h->config = in(t, "hark.yaml");
    file_print(h->config, "broker: site\nbrokers:\n  site: { url: \"mqtts://%s%s:%u\"%s }\n",
               other_broker_login(), host, port, more);
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST);
    return h;
}

/* A device that comes now, without TLS: a message of its reaches the puppet and comes back. */
static void serves(struct broker *b)
{
    struct device *d = device_connect(broker_port(b), "visitor");
    device_subscribe(d, "out/#", 1);
    device_publish(d, "puppet/do", "say out/heard yes", 1);
    device_expect(d, "out/heard", "yes");
    device_disconnect(d);
}

/* ---- good brokers ---- */

static void a_broker_behind_tls_is_served(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    issue_good(&t);
    struct broker *b = broker_behind_tls(&t, false);
    struct hark *h = hark_to(&t, "localhost", broker_tls_port(b), ", ca_file: ca.crt");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    serves(b);
    assert_int_equal(hark_stop(h), 0);
}

static void an_address_and_a_flag_will_do(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    issue_good(&t);
    struct broker *b = broker_behind_tls(&t, false);
    char url[64];
    snprintf(url, sizeof url, "mqtts://%s127.0.0.1:%u", other_broker_login(), broker_tls_port(b));
    struct hark *h = hark_prepare(url);
    h->more[0] = "--ca-file";
    h->more[1] = in(&t, "ca.crt");
    hark_install(h, "puppet.so", "puppet.so");
    hark_manifest(h, "puppet", PUPPET_MANIFEST);
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    serves(b);
}

static void our_certificate_opens_the_door(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    issue_good(&t);
    trust_issue(&t, "ours", &(struct certificate_options){.name = "gateway-7", .signer = &t.ca});
    struct broker *b = broker_behind_tls(&t, true);
    struct hark *h = hark_to(&t, "127.0.0.1", broker_tls_port(b),
                             ", ca_file: ca.crt, cert_file: ours.crt, key_file: ours.key");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    serves(b);
}

static void the_next_connection_resumes_the_tls_session(void **unused)
{
    (void)unused;
    need_of_broker("tls-resumption");
    struct trust t = trust_make();
    issue_good(&t);
    struct broker *b = broker_behind_tls(&t, false);
    struct proxy *p = proxy_start(broker_tls_port(b));
    struct hark *h = hark_to(&t, "127.0.0.1", proxy_port(p), ", ca_file: ca.crt");
    h->more[0] = "--verbose";
    hark_start(h);
    hark_wait_line(h, "presence: online, TLSv1\\.3, [A-Z0-9_]+$"); /* the process's first */
    hark_wait_line(h, "^hark: ready: 1 functions");
    proxy_cut(p);
    hark_wait_line(h, "function=puppet online, session resumed, TLSv1\\.3, [A-Z0-9_]+, resumed$");
    serves(b);
}

static void a_large_message_goes_both_ways(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    issue_good(&t);
    struct broker *b = broker_behind_tls(&t, false);
    struct hark *h = hark_to(&t, "127.0.0.1", broker_tls_port(b), ", ca_file: ca.crt");
    file_copy(path_in(TEST_FUNCTIONS, "relay.so"), hark_file(h, "relay.so"));
    hark_manifest(
        h, "relay",
        "function: relay\nhandler: relay.so\ntriggers: [ { topic: large } ]\npublishes: [ out/large ]\n"
        "limits: { payload: 8MiB, memory: 256MiB }\n");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 2 functions");
    struct device *d = device_connect(broker_port(b), "visitor");
    device_subscribe(d, "out/large", 1);
    char *text = malloc(LARGE_BYTES + 1);
    memset(text, 'x', LARGE_BYTES);
    text[LARGE_BYTES] = '\0';
    device_publish(d, "large", text, 1);
    device_expect(d, "out/large", text);
    free(text);
}

/* ---- bad ones: the line, to the word ---- */

static void then_hark_says(const struct trust *t, const char *host, uint16_t port, const char *more,
                           const char *what)
{
    char pattern[768];
    struct hark *h = hark_to(t, host, port, more);
    snprintf(pattern, sizeof pattern,
             "^hark: warning: broker mqtts://%s%s:%u: TLS with %s:%u: %s; next try in [0-9]+ ms$",
             other_broker_user(), host, port, host, port, what);
    hark_start(h);
    hark_wait_line(h, pattern);
    assert_int_equal(hark_stop(h), 0);
}

static void an_expired_certificate_is_said(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    trust_issue(&t, "broker",
                &(struct certificate_options){.name = "broker",
                                              .alternatives = "IP:127.0.0.1",
                                              .signer = &t.ca,
                                              .from_s = -2 * YEAR_S,
                                              .until_s = -YEAR_S});
    struct broker *b = broker_behind_tls(&t, false);
    then_hark_says(&t, "127.0.0.1", broker_tls_port(b), ", ca_file: ca.crt",
                   "the broker's certificate expired at [-0-9]+ [0-9:]+ UTC \\(it is [-0-9]+ [0-9:]+ UTC "
                   "here\\): renew it, or set this machine's clock");
}

static void a_wrong_host_and_an_unknown_authority_are_said(void **unused)
{
    (void)unused;
    struct trust t = trust_make(), other = trust_make_as("Other Authority");
    trust_issue(&t, "broker",
                &(struct certificate_options){
                    .name = "broker", .alternatives = "DNS:broker.example", .signer = &t.ca});
    struct broker *b = broker_behind_tls(&t, false);
    then_hark_says(
        &t, "127.0.0.1", broker_tls_port(b), ", ca_file: ca.crt",
        "the broker's certificate is for broker\\.example, not for 127\\.0\\.0\\.1: connect to a name "
        "that it has, or write the name to expect as server_name");
    then_hark_says(
        &t, "127.0.0.1", broker_tls_port(b), "",
        "the broker's certificate is signed by 'Test Authority', which this system does not trust: "
        "name the file of that authority's certificate as ca_file");
    then_hark_says(
        &other, "127.0.0.1", broker_tls_port(b), ", ca_file: ca.crt",
        "the broker's certificate is signed by 'Test Authority', which ca_file .*/ca\\.crt does not "
        "trust: name the file of that authority's certificate as ca_file");
}

static void a_broker_that_wants_our_certificate_is_said(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    issue_good(&t);
    struct broker *b = broker_behind_tls(&t, true);
    then_hark_says(&t, "127.0.0.1", broker_tls_port(b), ", ca_file: ca.crt",
                   "the broker wants a certificate of ours: name it and its key as cert_file and key_file");
}

/* What is on the other side of a socket and is no TLS listener. */
static void then_hark_says_anything(const struct trust *t, uint16_t port, const char *more, const char *what)
{
    char pattern[768];
    struct hark *h = hark_to(t, "127.0.0.1", port, more);
    snprintf(pattern, sizeof pattern, "^hark: warning: broker mqtts://%s127\\.0\\.0\\.1:%u: %s; next try in ",
             other_broker_user(), port, what);
    hark_start(h);
    hark_wait_line(h, pattern);
    assert_int_equal(hark_stop(h), 0);
}

static void a_listener_without_tls_is_said(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    struct broker *b = broker_start();
    then_hark_says_anything(
        &t, broker_port(b), "",
        "127\\.0\\.0\\.1:[0-9]+ closed the connection during the TLS handshake: is it the "
        "port of its TLS listener\\?");
}

static void silence_instead_of_a_handshake_ends_with_the_timeout(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    struct broker *b = broker_start();
    struct proxy *p = proxy_start(broker_port(b));
    proxy_stall(p); /* the kernel accepts, nobody answers */
    then_hark_says_anything(
        &t, proxy_port(p), ", connect_timeout: 1s",
        "127\\.0\\.0\\.1:[0-9]+ does not go on with the TLS handshake: is it a TLS listener\\?");
}

/* ---- files ---- */

static void files_that_are_no_good_end_hark_at_its_start(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    trust_issue(&t, "ours", &(struct certificate_options){.name = "gateway-7", .signer = &t.ca});
    assert_int_equal(chmod(in(&t, "ours.key"), 0604), 0);
    struct hark *h = hark_to(&t, "127.0.0.1", 1, ", cert_file: ours.crt, key_file: ours.key");
    hark_start(h);
    hark_wait_line(h,
                   "^hark: error: .*/ours\\.key: everybody on this machine has access to it \\(mode 0604\\): "
                   "run chmod 600 on it$");
    assert_int_equal(process_wait(h->process), 77);
    h = hark_to(&t, "127.0.0.1", 1, ", ca_file: missing.crt");
    hark_start(h);
    hark_wait_line(
        h, "^hark: error: .*/missing\\.crt: the certificate cannot be read: No such file or directory$");
    assert_int_equal(process_wait(h->process), 65);
}

static void rotated_certificates_are_taken_up_at_the_next_connection(void **unused)
{
    (void)unused;
    struct trust t = trust_make(), fresh = trust_make();
    issue_good(&t);
    struct broker *b = broker_behind_tls(&t, false);
    struct hark *h = hark_to(&t, "127.0.0.1", broker_tls_port(b), ", ca_file: ca.crt");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 1 functions");
    trust_issue(
        &t, "broker",
        &(struct certificate_options){.name = "broker", .alternatives = "IP:127.0.0.1", .signer = &fresh.ca});
    file_replace(in(&fresh, "ca.crt"), in(&t, "ca.crt"));
    broker_stop(b);
    broker_up(b);
    hark_wait_line(h, "^hark: broker .*: connected");
    broker_wait_line(b, "hark/" TEST_NODE "/puppet 1 puppet/do$");
    serves(b);
}

/* ---- cuts ---- */

static void cuts_in_the_middle_of_records_lose_nothing(void **unused)
{
    (void)unused;
    struct trust t = trust_make();
    issue_good(&t);
    struct broker *b = broker_behind_tls(&t, false);
    struct proxy *p = proxy_start(broker_tls_port(b));
    struct hark *h = hark_to(&t, "127.0.0.1", proxy_port(p), ", ca_file: ca.crt");
    hark_install(h, "echo.so", "echo.so");
    hark_manifest(
        h, "echo",
        "function: echo\nhandler: echo.so\ntriggers: [ { topic: echo/in } ]\npublishes: [ echo/out ]\n");
    hark_start(h);
    hark_wait_line(h, "^hark: ready: 2 functions");
    struct tally *tally = tally_create(MESSAGES);
    struct device *receiver = device_connect_with(
        &(struct device_options){.port = broker_port(b), .id = "receiver", .is_v311 = true, .resumes = true});
    device_tally(receiver, tally);
    device_subscribe(receiver, "echo/out", 2);
    struct device *sender = device_connect(broker_port(b), "sender");
    device_flood(sender, "echo/in", MESSAGES, 20);
    size_t cuts = 0;
    uint64_t until_ns = clock_now_ns() + ENOUGH_MS * NS_PER_MS;
    while (!tally_complete(tally, 0) && clock_now_ns() < until_ns) {
        tally_reaches(tally, tally_distinct(tally) + 1, GUARD_MS);
        tally_reaches(tally, tally_distinct(tally) + STEP, CUT_MS);
        cuts += proxy_cut(p) > 0;
    }
    print_message("%zu cuts, %zu replies, %zu duplicates\n", cuts, tally_distinct(tally),
                  tally_duplicates(tally));
    assert_int_equal(tally_distinct(tally), MESSAGES);
    device_flood_join(sender);
    assert_int_equal(tally_strange(tally), 0);
    assert_true(cuts >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_broker_behind_tls_is_served),
        system_test(an_address_and_a_flag_will_do),
        system_test(our_certificate_opens_the_door),
        system_test(the_next_connection_resumes_the_tls_session),
        system_test(a_large_message_goes_both_ways),
        system_test(an_expired_certificate_is_said),
        system_test(a_wrong_host_and_an_unknown_authority_are_said),
        system_test(a_broker_that_wants_our_certificate_is_said),
        system_test(a_listener_without_tls_is_said),
        system_test(silence_instead_of_a_handshake_ends_with_the_timeout),
        system_test(files_that_are_no_good_end_hark_at_its_start),
        system_test(rotated_certificates_are_taken_up_at_the_next_connection),
        system_test(cuts_in_the_middle_of_records_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* TLS against a server of OpenSSL's own, byte by byte: good brokers and bad ones. */
#include "tls_scene.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

/* ---- a good broker ---- */

static void a_good_broker_is_believed_and_spoken_with(void **unused)
{
    (void)unused;
    char text[128];
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    then_it_works();
    assert_int_equal(tls_write(tls_scene.tls, "CONNECT", 7), 0);
    carry_to_peer();
    assert_int_equal(SSL_read(tls_scene.peer, text, sizeof text), 7);
    assert_string_equal(tls_describe(tls_scene.tls, text, sizeof text), "TLSv1.3, TLS_AES_256_GCM_SHA384");
}

static void bytes_may_come_one_by_one(void **unused)
{
    (void)unused;
    tls_scene.chunk = 1;
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    then_it_works();
}

static void a_large_output_arrives_whole(void **unused)
{
    (void)unused;
    static char sent[LARGE], received[LARGE];
    size_t len = 0;
    for (size_t i = 0; i < LARGE; i++)
        sent[i] = (char)(i * 7 + i / 251);
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_int_equal(tls_write(tls_scene.tls, sent, LARGE), 0);
    carry_to_peer();
    for (int n; len < LARGE && (n = SSL_read(tls_scene.peer, received + len, (int)(LARGE - len))) > 0;)
        len += (size_t)n;
    assert_int_equal(len, LARGE);
    assert_memory_equal(sent, received, LARGE);
}

static void a_large_input_arrives_whole(void **unused)
{
    (void)unused;
    static char sent[LARGE];
    tls_scene.chunk = 4099;
    memset(sent, 'x', sizeof sent);
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_int_equal(SSL_write(tls_scene.peer, sent, LARGE), LARGE);
    assert_int_equal(read_all(), -EAGAIN);
    assert_int_equal(tls_got_len, LARGE);
    assert_memory_equal(tls_got, sent, LARGE);
}

static void the_name_goes_into_the_greeting(void **unused)
{
    (void)unused;
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_string_equal(SSL_get_servername(tls_scene.peer, TLSEXT_NAMETYPE_host_name), "localhost");
}

static void an_address_is_compared_and_not_sent(void **unused)
{
    (void)unused;
    tls_scene.host = "127.0.0.1";
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_null(SSL_get_servername(tls_scene.peer, TLSEXT_NAMETYPE_host_name));
    drop_connection();
    tls_scene.host = "::1";
    given_a_connection();
    assert_int_equal(handshake(), 0);
}

static void server_name_replaces_the_host(void **unused)
{
    (void)unused;
    tls_scene.host = "10.1.2.3";
    tls_scene.options.server_name = "localhost";
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_string_equal(SSL_get_servername(tls_scene.peer, TLSEXT_NAMETYPE_host_name), "localhost");
}

static void a_self_signed_certificate_may_be_named(void **unused)
{
    (void)unused;
    given_a_server(&(struct certificate_options){.name = "broker", .alternatives = "DNS:localhost"});
    certificate_write(&tls_scene.server, tls_file("pinned.crt"));
    tls_scene.options.ca_file = tls_file("pinned.crt");
    given_a_connection();
    assert_int_equal(handshake(), 0);
}

static void tls_1_2_is_spoken_too(void **unused)
{
    (void)unused;
    given_a_good_server();
    SSL_CTX_set_max_proto_version(tls_scene.server_context, TLS1_2_VERSION);
    given_a_connection();
    assert_int_equal(handshake(), 0);
    then_it_works();
}

/* ---- a bad one ---- */

static void refused(const struct certificate_options *certificate, const char *pattern)
{
    given_a_server(certificate);
    given_a_connection();
    assert_int_equal(handshake(), -EPROTO);
    then_why_is(MQTT_CAUSE_REFUSED, pattern);
}

static void an_expired_certificate_is_refused(void **unused)
{
    (void)unused;
    refused(&(struct certificate_options){.name = "broker",
                                          .alternatives = "DNS:localhost",
                                          .signer = &tls_scene.ca,
                                          .from_s = -2 * YEAR_S,
                                          .until_s = -YEAR_S},
            "^" PREFIX "the broker's certificate expired at [0-9-]{10} [0-9:]{5} UTC \\(it is [0-9-]{10} "
            "[0-9:]{5} UTC here\\): renew it, or set this machine's clock$");
}

static void a_certificate_of_the_future_is_refused(void **unused)
{
    (void)unused;
    refused(&(struct certificate_options){.name = "broker",
                                          .alternatives = "DNS:localhost",
                                          .signer = &tls_scene.ca,
                                          .from_s = YEAR_S,
                                          .until_s = 2 * YEAR_S},
            "^" PREFIX "the broker's certificate is not valid before [0-9-]{10} [0-9:]{5} UTC, and it is "
            "[0-9-]{10} [0-9:]{5} UTC here: set this machine's clock$");
}

static void a_certificate_for_somebody_else_is_refused(void **unused)
{
    (void)unused;
    refused(&(struct certificate_options){.name = "broker",
                                          .alternatives = "DNS:a.example,DNS:*.b.example,IP:10.0.0.2",
                                          .signer = &tls_scene.ca},
            "^" PREFIX
            "the broker's certificate is for a\\.example, \\*\\.b\\.example, 10\\.0\\.0\\.2, not for "
            "localhost: connect to a name that it has, or write the name to expect as server_name$");
}

static void a_certificate_for_another_address_is_refused(void **unused)
{
    (void)unused;
    tls_scene.host = "127.0.0.2";
    refused(&(struct certificate_options){.name = "127.0.0.2",
                                          .alternatives = "DNS:127.0.0.2,IP:127.0.0.1",
                                          .signer = &tls_scene.ca},
            "^" PREFIX "the broker's certificate is for 127\\.0\\.0\\.2, 127\\.0\\.0\\.1, not for "
            "127\\.0\\.0\\.2:");
}

static void a_self_signed_certificate_is_refused(void **unused)
{
    (void)unused;
    refused(&(struct certificate_options){.name = "broker", .alternatives = "DNS:localhost"},
            "^" PREFIX
            "the broker's certificate is signed by itself, and is not among those that are trusted: "
            "name a copy of it as ca_file, if it is the right one$");
}

static void an_unknown_authority_is_refused(void **unused)
{
    (void)unused;
    struct certificate other =
        certificate_make(&(struct certificate_options){.name = "Other Authority", .is_authority = true});
    char pattern[512];
    snprintf(pattern, sizeof pattern,
             "^" PREFIX "the broker's certificate is signed by 'Other Authority', which ca_file %s does not "
             "trust: name the file of that authority's certificate as ca_file$",
             tls_file("ca.crt"));
    refused(
        &(struct certificate_options){.name = "broker", .alternatives = "DNS:localhost", .signer = &other},
        pattern);
    certificate_free(&other);
}

static void tls_1_1_is_refused(void **unused)
{
    (void)unused;
    given_a_good_server();
    SSL_CTX_set_security_level(tls_scene.server_context, 0);
    SSL_CTX_set_min_proto_version(tls_scene.server_context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls_scene.server_context, TLS1_1_VERSION);
    given_a_connection();
    assert_int_equal(handshake(), -EPROTO);
    then_why_is(MQTT_CAUSE_REFUSED,
                "^" PREFIX "the broker speaks neither TLS 1\\.2 nor 1\\.3, which are needed$");
}

static void what_speaks_no_tls_is_said(void **unused)
{
    (void)unused;
    given_a_good_server();
    given_a_connection();
    assert_int_equal(tls_handshake(tls_scene.tls), -EAGAIN);
    tls_input(tls_scene.tls, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    assert_int_equal(tls_handshake(tls_scene.tls), -EPROTO);
    then_why_is(MQTT_CAUSE_REFUSED, "^" PREFIX "what answers there speaks no TLS: write the port of its TLS "
                                    "listener \\(usually 8883, of WebSocket 443\\), or mqtt:// or ws://$");
}

static void garbage_ends_a_connection(void **unused)
{
    (void)unused;
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    tls_input(tls_scene.tls, "\x17\x03\x03\x00\x20garbage garbage garbage garbage!", 37);
    assert_int_equal(use_for_reading(), -EPROTO);
    then_why_is(MQTT_CAUSE_NETWORK, "^" PREFIX ".*bad record mac");
}

/* ---- the end ---- */

static void the_end_of_tls_is_told_from_a_cut(void **unused)
{
    (void)unused;
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    then_it_works();
    SSL_shutdown(tls_scene.peer);
    assert_int_equal(read_all(), 0);
}

static void our_end_is_told(void **unused)
{
    (void)unused;
    char text[16];
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    tls_close(tls_scene.tls);
    carry_to_peer();
    assert_int_equal(SSL_read(tls_scene.peer, text, sizeof text), 0);
    assert_int_equal(SSL_get_error(tls_scene.peer, 0), SSL_ERROR_ZERO_RETURN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        tls_test(a_good_broker_is_believed_and_spoken_with),
        tls_test(bytes_may_come_one_by_one),
        tls_test(a_large_output_arrives_whole),
        tls_test(a_large_input_arrives_whole),
        tls_test(the_name_goes_into_the_greeting),
        tls_test(an_address_is_compared_and_not_sent),
        tls_test(server_name_replaces_the_host),
        tls_test(a_self_signed_certificate_may_be_named),
        tls_test(tls_1_2_is_spoken_too),
        tls_test(an_expired_certificate_is_refused),
        tls_test(a_certificate_of_the_future_is_refused),
        tls_test(a_certificate_for_somebody_else_is_refused),
        tls_test(a_certificate_for_another_address_is_refused),
        tls_test(a_self_signed_certificate_is_refused),
        tls_test(an_unknown_authority_is_refused),
        tls_test(tls_1_1_is_refused),
        tls_test(what_speaks_no_tls_is_said),
        tls_test(garbage_ends_a_connection),
        tls_test(the_end_of_tls_is_told_from_a_cut),
        tls_test(our_end_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tls_scene.h"

#include "support/cleanup.h"
#include "support/files.h"

#include <errno.h>
#include <openssl/err.h>
#include <regex.h>
#include <string.h>

enum { PIPE_MAX = 4 << 20 };

struct tls_scene tls_scene;

static void on_complaint(void *user, const struct diag *diag)
{
    struct tls_scene *s = user;
    s->complaints++;
    s->complaint = *diag;
}

const char *tls_file(const char *name)
{
    return path_in(tls_scene.folder, name);
}

int tls_begin(void **unused)
{
    (void)unused;
    tls_scene = (struct tls_scene){.folder = folder_create(), .host = "localhost"};
    tls_scene.ca =
        certificate_make(&(struct certificate_options){.name = "Test Authority", .is_authority = true});
    certificate_write(&tls_scene.ca, tls_file("ca.crt"));
    tls_scene.options =
        (struct tls_options){.ca_file = tls_file("ca.crt"), .complain = on_complaint, .user = &tls_scene};
    return 0;
}

void drop_connection(void)
{
    if (tls_scene.tls)
        tls_destroy(tls_scene.tls);
    SSL_free(tls_scene.peer);
    tls_scene.tls = NULL;
    tls_scene.peer = NULL;
}

int tls_end(void **unused)
{
    (void)unused;
    drop_connection();
    tls_context_drop(tls_scene.context);
    SSL_CTX_free(tls_scene.server_context);
    certificate_free(&tls_scene.ca);
    certificate_free(&tls_scene.server);
    certificate_free(&tls_scene.ours);
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left for somebody else to find */
    return end_of_test(NULL);
}

/* ---- the server ---- */

void given_a_server(const struct certificate_options *certificate)
{
    tls_scene.server = certificate_make(certificate);
    tls_scene.server_context = SSL_CTX_new(TLS_server_method());
    assert_non_null(tls_scene.server_context);
    assert_int_equal(SSL_CTX_use_certificate(tls_scene.server_context, tls_scene.server.x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls_scene.server_context, tls_scene.server.key), 1);
    SSL_CTX_set_session_id_context(tls_scene.server_context, (const unsigned char *)"t", 1);
}

void given_a_good_server(void)
{
    given_a_server(&(struct certificate_options){
        .name = "broker", .alternatives = "DNS:localhost,IP:127.0.0.1,IP:::1", .signer = &tls_scene.ca});
}

static void given_a_context(void)
{
    struct diag diag = {0};
    int error = 0;
    tls_scene.context = tls_context_create(&tls_scene.options, &error, &diag);
    if (!tls_scene.context)
        fail_msg("%s: %s", diag.file, diag.text);
}

void given_a_connection(void)
{
    if (!tls_scene.context)
        given_a_context();
    tls_scene.tls = tls_create(tls_scene.context, tls_scene.host, ENDPOINT);
    tls_scene.peer = SSL_new(tls_scene.server_context);
    tls_scene.to_peer = BIO_new(BIO_s_mem());
    tls_scene.from_peer = BIO_new(BIO_s_mem());
    assert_non_null(tls_scene.tls);
    SSL_set_bio(tls_scene.peer, tls_scene.to_peer, tls_scene.from_peer);
    SSL_set_accept_state(tls_scene.peer);
}

/* ---- bytes ---- */

void carry_to_peer(void)
{
    struct buffer *out = tls_output(tls_scene.tls);
    size_t len = buffer_length(out);
    if (len)
        assert_int_equal(BIO_write(tls_scene.to_peer, buffer_data(out), (int)len), (int)len);
    buffer_consume(out, len);
}

/* Bytes of the peer, one chunk at a time, to the call that is to use them up. */
static int carry_from_peer(int (*use)(void))
{
    static char bytes[PIPE_MAX];
    size_t len = tls_scene.chunk ? tls_scene.chunk : sizeof bytes;
    int n, result = -EAGAIN;
    while (result == -EAGAIN && (n = BIO_read(tls_scene.from_peer, bytes, (int)len)) > 0) {
        tls_input(tls_scene.tls, bytes, (size_t)n);
        result = use();
        carry_to_peer();
    }
    return result;
}

static int use_for_handshake(void)
{
    return tls_handshake(tls_scene.tls);
}

int handshake(void)
{
    int result = tls_handshake(tls_scene.tls);
    while (result == -EAGAIN) {
        carry_to_peer();
        SSL_do_handshake(tls_scene.peer);
        ERR_clear_error();
        if (BIO_pending(tls_scene.from_peer) == 0)
            return -ENODATA;
        result = carry_from_peer(use_for_handshake);
    }
    carry_to_peer();
    SSL_do_handshake(tls_scene.peer);
    ERR_clear_error();
    return result;
}

char tls_got[LARGE + 1];
size_t tls_got_len;

int use_for_reading(void)
{
    ssize_t n;
    while ((n = tls_read(tls_scene.tls, tls_got + tls_got_len, sizeof tls_got - tls_got_len)) > 0)
        tls_got_len += (size_t)n;
    return (int)n;
}

int read_all(void)
{
    tls_got_len = 0;
    return carry_from_peer(use_for_reading);
}

void peer_says(const char *text)
{
    assert_int_equal(SSL_write(tls_scene.peer, text, (int)strlen(text)), (int)strlen(text));
}

bool text_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool matches = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

void then_why_is(enum mqtt_cause cause, const char *pattern)
{
    const char *text;
    assert_int_equal(tls_why(tls_scene.tls, &text), cause);
    if (!text_matches(text, pattern))
        fail_msg("said: %s\nwanted: %s", text, pattern);
}

void then_it_works(void)
{
    peer_says("hello");
    assert_int_equal(read_all(), -EAGAIN);
    assert_memory_equal(tls_got, "hello", 5);
}

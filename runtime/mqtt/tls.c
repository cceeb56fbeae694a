#include "mqtt/tls_internal.h"

#include "shared/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* ---- OpenSSL's view of the bytes ---- */

static int bio_read(BIO *bio, char *data, int size)
{
    struct tls *tls = BIO_get_data(bio);
    size_t len = tls->in.len < (size_t)size ? tls->in.len : (size_t)size;
    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(data, tls->in.data, len);
    tls->in = slice_make(tls->in.data + len, tls->in.len - len);
    return (int)len;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    buffer_append(&tls->out, data, (size_t)len);
    return buffer_failed(&tls->out) ? -1 : len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *create_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hark");
    CHECK(method && BIO_meth_set_read(method, bio_read) && BIO_meth_set_write(method, bio_write) &&
          BIO_meth_set_ctrl(method, bio_control) && BIO_meth_set_create(method, bio_create));
    return method;
}

static BIO *create_bio(struct tls *tls)
{
    static BIO_METHOD *method; /* one for the process, as OpenSSL wants it */
    if (!method)
        method = create_method();
    BIO *bio = BIO_new(method);
    if (bio)
        BIO_set_data(bio, tls);
    return bio;
}

/* ---- whom we talk to ---- */

static bool is_address(const char *name)
{
    struct in6_addr unused;
    return inet_pton(AF_INET, name, &unused) == 1 || inet_pton(AF_INET6, name, &unused) == 1;
}

/* The name goes into the greeting (SNI, RFC 6066: names only, no addresses), and is what the certificate must
 * be for. */
static bool expect(struct tls *tls)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(tls->ssl);
    const char *name = tls_name(tls);
    size_t len = strlen(name);
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(rules, name) == 1;
    char *host = strndup(name, len > 1 && name[len - 1] == '.' ? len - 1 : len);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool set = host && X509_VERIFY_PARAM_set1_host(rules, host, 0) == 1 &&
               SSL_set_tlsext_host_name(tls->ssl, host) == 1;
    free(host);
    return set;
}

static bool set_up(struct tls *tls)
{
    tls->ssl = SSL_new(tls->context->ssl);
    BIO *bio = tls->ssl ? create_bio(tls) : NULL;
    if (!bio)
        return false;
    SSL_set_bio(tls->ssl, bio, bio); /* owns it from now on */
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, tls_words_verify);
    SSL_set_connect_state(tls->ssl);
    if (tls->context->session)
        SSL_set_session(tls->ssl, tls->context->session); /* or a whole handshake */
    return expect(tls);
}

struct tls *tls_create(struct tls_context *context, const char *host, const char *endpoint)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return NULL;
    tls->context = tls_context_hold(context);
    tls->host = host;
    tls->endpoint = endpoint;
    tls_context_refresh(context);
    if (!set_up(tls)) {
        ERR_clear_error();
        tls_destroy(tls);
        return NULL;
    }
    return tls;
}

void tls_destroy(struct tls *tls)
{
    /* Else OpenSSL takes a ticket for spoilt when its connection was cut. */
    if (tls->ssl && tls->secure)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    buffer_finish(&tls->out);
    tls_context_drop(tls->context);
    free(tls);
}

/* ---- bytes ---- */

void tls_input(struct tls *tls, const void *data, size_t len)
{
    tls->in = slice_make(data, len);
}

struct buffer *tls_output(struct tls *tls)
{
    return &tls->out;
}

/* What OpenSSL's result means to a caller who can come back. */
static int failure(struct tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    if (error == SSL_ERROR_WANT_READ) {
        CHECK(tls->in.len == 0);
        return -EAGAIN;
    }
    tls_words_failed(tls, error);
    ERR_clear_error();
    return -EPROTO;
}

/* A ticket that the broker could not use is not offered again. */
static void forget_session(struct tls_context *context)
{
    SSL_SESSION_free(context->session);
    context->session = NULL;
}

int tls_handshake(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->secure = true;
        return 0;
    }
    int error = failure(tls, result);
    if (error == -EPROTO)
        forget_session(tls->context);
    return error;
}

ssize_t tls_read(struct tls *tls, void *data, size_t size)
{
    size_t len;
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, data, size, &len);
    if (result == 1)
        return (ssize_t)len;
    return SSL_get_error(tls->ssl, result) == SSL_ERROR_ZERO_RETURN ? 0 : failure(tls, result);
}

int tls_write(struct tls *tls, const void *data, size_t len)
{
    size_t written;
    ERR_clear_error();
    if (len == 0 || SSL_write_ex(tls->ssl, data, len, &written) == 1)
        return 0;
    if (buffer_failed(&tls->out)) {
        ERR_clear_error();
        return -ENOMEM;
    }
    tls_words_failed(tls, SSL_ERROR_SSL);
    ERR_clear_error();
    return -EPROTO;
}

void tls_close(struct tls *tls)
{
    if (!tls->secure || tls->closed)
        return;
    tls->closed = true;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

const char *tls_describe(const struct tls *tls, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s, %s%s", SSL_get_version(tls->ssl), SSL_get_cipher_name(tls->ssl),
             SSL_session_reused(tls->ssl) ? ", resumed" : "");
    return buffer;
}

enum mqtt_cause tls_why(const struct tls *tls, const char **ret_text)
{
    *ret_text = tls->why;
    return tls->cause;
}

#include "support/tls_end.h"

#include "shared/check.h"
#include "support/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>

SSL_CTX *tls_end_context(const char *ca_path)
{
    struct certificate ca =
        certificate_make(&(struct certificate_options){.name = "Test Authority", .is_authority = true});
    struct certificate ours = certificate_make(
        &(struct certificate_options){.name = "proxy", .alternatives = "IP:127.0.0.1", .signer = &ca});
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    CHECK(context);
    CHECK(SSL_CTX_use_certificate(context, ours.x509) == 1 && SSL_CTX_use_PrivateKey(context, ours.key) == 1);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    certificate_write(&ca, ca_path);
    certificate_free(&ours);
    certificate_free(&ca);
    return context;
}

SSL *tls_end_create(SSL_CTX *context, int fd)
{
    SSL *tls = SSL_new(context);
    CHECK(tls && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && SSL_set_fd(tls, fd) == 1);
    SSL_set_accept_state(tls);
    return tls;
}

/* What SSL_read and SSL_write return, in the words of recv and send. */
static ssize_t in_words_of_sockets(const SSL *tls, int result)
{
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_NONE:
        return result;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    default:
        errno = ECONNRESET;
        return -1;
    }
}

ssize_t tls_end_receive(SSL *tls, void *to, size_t size)
{
    CHECK(size >= SSL3_RT_MAX_PLAIN_LENGTH &&
          size <= INT_MAX); /* so that nothing is left where poll does not see it */
    ERR_clear_error();
    return in_words_of_sockets(tls, SSL_read(tls, to, (int)size));
}

ssize_t tls_end_send(SSL *tls, const void *data, size_t len)
{
    CHECK(len > 0 && len <= INT_MAX);
    ERR_clear_error();
    return in_words_of_sockets(tls, SSL_write(tls, data, (int)len));
}

void tls_end_farewell(SSL *tls)
{
    ERR_clear_error();
    SSL_shutdown(tls);
}

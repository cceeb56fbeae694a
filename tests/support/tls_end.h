/* tls_end.h: the server's side of TLS on one end of a proxied connection, so that the proxy sees what is said
 * in it. On the proxy's thread, which has SIGPIPE blocked; finish from any, one at a time. */
#ifndef TESTS_SUPPORT_TLS_END_H
#define TESTS_SUPPORT_TLS_END_H

#include <openssl/ssl.h>
#include <sys/types.h>

/* A context for 127.0.0.1 with a certificate made on the spot; the authority's goes to `ca_path`. The caller
 * frees it with SSL_CTX_free. */
SSL_CTX *tls_end_context(const char *ca_path);

/* Takes a connection that was just accepted; from now on the socket does not block. It stays the caller's,
 * and so does the result: SSL_free, which says nothing to the other end. */
SSL *tls_end_create(SSL_CTX *context, int fd);

/* As recv and send that never block: 0 from receive is the end, also one without a farewell (a process that
 * is killed says none); -1 with errno, EAGAIN when nothing moved. `size` of receive: a record or more. A send
 * that moved nothing is tried again with the same bytes. */
ssize_t tls_end_receive(SSL *tls, void *to, size_t size);
ssize_t tls_end_send(SSL *tls, const void *data, size_t len);

/* The farewell, as shutdown(SHUT_WR) is TCP's, which is left to the caller. */
void tls_end_farewell(SSL *tls);

#endif

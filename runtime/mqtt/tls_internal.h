/* tls_internal.h: what the files of TLS share; nobody else includes it.
 *
 *   tls.c          one connection: bytes in, bytes out
 *   tls_context.c  what a broker's connections share; when files are read again
 *   tls_pem.c      files to certificates and keys
 *   tls_words.c    what went wrong, in words
 */
#ifndef HARK_MQTT_TLS_INTERNAL_H
#define HARK_MQTT_TLS_INTERNAL_H

#include "mqtt/tls.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

enum { TLS_WHY_MAX = 400, TLS_FILES = 3 };

/* As a file was when it was read; all 0: it was not there. */
struct tls_file_state {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed, modified;
};

struct tls_context {
    unsigned references;
    char *ca_file, *cert_file, *key_file, *server_name; /* owned; NULL: none */
    void (*complain)(void *user, const struct diag *diag);
    void *user;
    SSL_CTX *ssl;                            /* of the last good files */
    SSL_SESSION *session;                    /* the newest ticket; NULL: none */
    struct tls_file_state states[TLS_FILES]; /* when the files were read last */
};

struct tls {
    struct tls_context *context; /* one reference */
    SSL *ssl;
    const char *host, *endpoint; /* borrowed */
    struct slice in;             /* borrowed */
    struct buffer out;
    bool secure, closed;
    enum mqtt_cause cause;
    char why[TLS_WHY_MAX];
};

/* tls_context.c */
void tls_context_refresh(struct tls_context *context);
const char *tls_name(const struct tls *tls); /* that the broker must prove */

/* tls_pem.c. All: 0, or a negative errno and *diag. */
__attribute__((warn_unused_result)) int tls_pem_trust(SSL_CTX *ssl, const char *path, struct diag *diag);
__attribute__((warn_unused_result)) int tls_pem_own(SSL_CTX *ssl, const char *cert_path, const char *key_path,
                                                    struct diag *diag);

/* tls_words.c */
/* Called by OpenSSL for each certificate; sets why for the first one that is no good. */
int tls_words_verify(int good, X509_STORE_CTX *chain);
void tls_words_failed(struct tls *tls, int ssl_error); /* sets cause and why from OpenSSL's queue of errors */

#endif

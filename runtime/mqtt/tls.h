/* tls.h: TLS, as a layer between a byte stream and an MQTT session, and what the connections to one broker
 * share: certificates, key, and the last session ticket.
 *
 * In the dispatcher, on its loop. OpenSSL does the work, on bytes in memory: no socket and no loop is known
 * here, the shell (client_tls.c) moves the bytes. TLS 1.2 and 1.3, no renegotiation; the broker's certificate
 * is always verified, its name too (RFC 9525; IP addresses as well). There is no switch to turn that off.
 *
 * A broker's files are looked at again at the begin of each connection: certificates and keys that were
 * replaced count from the next connection on. */
#ifndef HARK_MQTT_TLS_H
#define HARK_MQTT_TLS_H

#include "mqtt/mqtt.h"
#include "shared/buffer.h"
#include "shared/diag.h"

#include <sys/types.h>

/* Paths of PEM files; all are copied. */
struct tls_options {
    const char *ca_file;     /* certificates that are trusted; NULL: those of the system */
    const char *cert_file;   /* our certificate, those that sign it behind it; NULL: none */
    const char *key_file;    /* its key; needs the modes of a password file. NULL: none */
    const char *server_name; /* who the broker must prove to be, name or address; NULL: the host of its URL */
    /* New files are no good, and those read before are kept: once for each state of the files. */
    void (*complain)(void *user, const struct diag *diag);
    void *user;
};

/* ---- what the connections to one broker share; counted references ---- */

struct tls_context;

/* Reads the files. NULL and *diag; *ret_error: -EACCES, -EPERM, -ENOENT, … of a file, -EINVAL for what is in
 * it, -ENOMEM; -ELIBACC: TLS itself cannot be loaded. */
struct tls_context *tls_context_create(const struct tls_options *options, int *ret_error, struct diag *diag);
struct tls_context *tls_context_hold(struct tls_context *context); /* returns it */
void tls_context_drop(struct tls_context *context);                /* NULL is fine */

/* ---- one connection ---- */

struct tls;

/* Looks at the context's files first. host: of the URL; endpoint: host and port for people; both borrowed for
 * the life of the connection. NULL: out of memory. */
struct tls *tls_create(struct tls_context *context, const char *host, const char *endpoint);
void tls_destroy(struct tls *tls);

/* Bytes that came from the broker, borrowed until tls_handshake and tls_read have returned -EAGAIN, which
 * says that all are used up. */
void tls_input(struct tls *tls, const void *data, size_t len);
/* Bytes to send to the broker; the caller consumes them. All calls below may add to it. */
struct buffer *tls_output(struct tls *tls);

/* 0: the connection is secure; -EAGAIN: more is to come from the broker; -EPROTO: it failed, tls_why tells;
 * what is in the output (an alert) is for the broker. */
__attribute__((warn_unused_result)) int tls_handshake(struct tls *tls);
/* Plain bytes that came, at most `size`. 0: the broker said that it sends no more; -EAGAIN, -EPROTO as above.
 */
__attribute__((warn_unused_result)) ssize_t tls_read(struct tls *tls, void *data, size_t size);
/* Seals all of it, into the output. 0, -EPROTO, -ENOMEM. */
__attribute__((warn_unused_result)) int tls_write(struct tls *tls, const void *data, size_t len);
/* Says that we send no more, if the connection ever was secure. */
void tls_close(struct tls *tls);

/* After -EPROTO: why, for people, and how bad it is: MQTT_CAUSE_REFUSED when somebody must change a
 * certificate, a key or a setting, else MQTT_CAUSE_NETWORK. */
enum mqtt_cause tls_why(const struct tls *tls, const char **ret_text);
/* "TLSv1.3, TLS_AES_256_GCM_SHA384, resumed", for people. After the handshake. */
const char *tls_describe(const struct tls *tls, char *buffer, size_t size);

#endif

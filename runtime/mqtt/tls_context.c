#include "mqtt/tls_internal.h"

#include "shared/check.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

/* ---- the files ---- */

static struct tls_file_state state_of(const char *path)
{
    struct stat st;
    if (!path || stat(path, &st) < 0)
        return (struct tls_file_state){0};
    return (struct tls_file_state){.device = st.st_dev,
                                   .inode = st.st_ino,
                                   .bytes = st.st_size,
                                   .changed = st.st_ctim,
                                   .modified = st.st_mtim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_state(const struct tls_file_state *a, const struct tls_file_state *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           same_time(&a->changed, &b->changed) && same_time(&a->modified, &b->modified);
}

/* True: they are not as they were. */
static bool look_at_files(struct tls_context *context)
{
    const char *const paths[TLS_FILES] = {context->ca_file, context->cert_file, context->key_file};
    bool changed = false;
    for (int i = 0; i < TLS_FILES; i++) {
        struct tls_file_state now = state_of(paths[i]);
        changed |= !same_state(&now, &context->states[i]);
        context->states[i] = now;
    }
    return changed;
}

/* ---- OpenSSL's context ---- */

/* The newest ticket of the broker. One of an older context is of other certificates: not offered again. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls *tls = SSL_get_app_data(ssl);
    struct tls_context *context = tls->context;
    if (SSL_get_SSL_CTX(ssl) != context->ssl)
        return 0;
    SSL_SESSION_free(context->session);
    context->session = session;
    return 1; /* ours from now on */
}

static int trust(SSL_CTX *ssl, const char *ca_file, struct diag *diag)
{
    if (ca_file)
        return tls_pem_trust(ssl, ca_file, diag);
    if (SSL_CTX_set_default_verify_paths(ssl) == 1)
        return 0;
    diag_set(diag, NULL, 0, 0, "the system's certificates cannot be read: name those to trust in ca_file");
    return -EINVAL;
}

static int load(SSL_CTX *ssl, const struct tls_context *context, struct diag *diag)
{
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* An idle connection keeps no buffers. */
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, on_new_session);
    int error = trust(ssl, context->ca_file, diag);
    if (!error && context->cert_file)
        error = tls_pem_own(ssl, context->cert_file, context->key_file, diag);
    return error;
}

static int reload(struct tls_context *context, struct diag *diag)
{
    SSL_CTX *fresh = SSL_CTX_new(TLS_client_method());
    int error = -ENOMEM;
    if (fresh)
        error = load(fresh, context, diag);
    else
        diag_set(diag, NULL, 0, 0, "out of memory");
    ERR_clear_error();
    if (error) {
        SSL_CTX_free(fresh);
        return error;
    }
    SSL_CTX_free(context->ssl);
    context->ssl = fresh;
    SSL_SESSION_free(context->session); /* it stands for certificates that may not be trusted any more */
    context->session = NULL;
    return 0;
}

void tls_context_refresh(struct tls_context *context)
{
    struct diag diag = {0};
    if (look_at_files(context) && reload(context, &diag))
        context->complain(context->user, &diag);
}

/* ---- life ---- */

static char *copy_or_null(const char *text)
{
    return text ? must_strdup(text) : NULL;
}

struct tls_context *tls_context_create(const struct tls_options *options, int *ret_error, struct diag *diag)
{
    CHECK(!options->cert_file == !options->key_file);
    struct tls_context *context = must_alloc(sizeof *context);
    *context = (struct tls_context){.references = 1,
                                    .ca_file = copy_or_null(options->ca_file),
                                    .cert_file = copy_or_null(options->cert_file),
                                    .key_file = copy_or_null(options->key_file),
                                    .server_name = copy_or_null(options->server_name),
                                    .complain = options->complain,
                                    .user = options->user};
    look_at_files(context); /* before they are read: what changes meanwhile is seen the next time */
    int error = reload(context, diag);
    if (!error)
        return context;
    *ret_error = error;
    tls_context_drop(context);
    return NULL;
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
    context->references++;
    return context;
}

void tls_context_drop(struct tls_context *context)
{
    if (!context || --context->references > 0)
        return;
    SSL_SESSION_free(context->session);
    SSL_CTX_free(context->ssl);
    free(context->ca_file);
    free(context->cert_file);
    free(context->key_file);
    free(context->server_name);
    free(context);
}

const char *tls_name(const struct tls *tls)
{
    return tls->context->server_name ? tls->context->server_name : tls->host;
}

/* tls_load.c: tls.h, as a way into hark-tls.so. */
#include "mqtt/tls_calls.h"

#include "shared/installed.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

static const struct tls_calls *calls; /* NULL: not loaded. Never unloaded: OpenSSL does not like it */

static const struct tls_calls *find_calls(const char *path, struct diag *diag)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct tls_calls *found = library ? dlsym(library, TLS_SYMBOL) : NULL;
    if (!found) {
        diag_set(diag, NULL, 0, 0, "TLS cannot be loaded: %s: install all of hark, and OpenSSL 3", dlerror());
        return NULL;
    }
    if (strcmp(found->version, HARK_VERSION) != 0) {
        diag_set(diag, NULL, 0, 0, "TLS cannot be loaded: %s is of hark %.20s, this is %s: install hark anew",
                 path, found->version, HARK_VERSION);
        return NULL;
    }
    return found;
}

static int load(struct diag *diag)
{
    char *path = installed_path(TLS_LIBRARY);
    if (!path) {
        diag_set(diag, NULL, 0, 0, "out of memory");
        return -ENOMEM;
    }
    calls = find_calls(path, diag);
    free(path);
    return calls ? 0 : -ELIBACC;
}

struct tls_context *tls_context_create(const struct tls_options *options, int *ret_error, struct diag *diag)
{
    int error = calls ? 0 : load(diag);
    if (!error)
        return calls->context_create(options, ret_error, diag);
    *ret_error = error;
    return NULL;
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
    return calls->context_hold(context);
}

void tls_context_drop(struct tls_context *context)
{
    if (context)
        calls->context_drop(context);
}

struct tls *tls_create(struct tls_context *context, const char *host, const char *endpoint)
{
    return calls->create(context, host, endpoint);
}

void tls_destroy(struct tls *tls)
{
    calls->destroy(tls);
}

void tls_input(struct tls *tls, const void *data, size_t len)
{
    calls->input(tls, data, len);
}

struct buffer *tls_output(struct tls *tls)
{
    return calls->output(tls);
}

int tls_handshake(struct tls *tls)
{
    return calls->handshake(tls);
}

ssize_t tls_read(struct tls *tls, void *data, size_t size)
{
    return calls->read(tls, data, size);
}

int tls_write(struct tls *tls, const void *data, size_t len)
{
    return calls->write(tls, data, len);
}

void tls_close(struct tls *tls)
{
    calls->close(tls);
}

enum mqtt_cause tls_why(const struct tls *tls, const char **ret_text)
{
    return calls->why(tls, ret_text);
}

const char *tls_describe(const struct tls *tls, char *buffer, size_t size)
{
    return calls->describe(tls, buffer, size);
}

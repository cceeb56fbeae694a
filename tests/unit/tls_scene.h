/* tls_scene.h: a client's end of TLS and a server of OpenSSL's own, and the bytes between them, without a
 * socket. */
#ifndef HARK_TESTS_TLS_SCENE_H
#define HARK_TESTS_TLS_SCENE_H

#include "mqtt/tls.h"
#include "support/certificates.h"
#include "support/test.h"

#include <openssl/ssl.h>

#define ENDPOINT "localhost:8883"
#define PREFIX   "TLS with " ENDPOINT ": "

enum { YEAR_S = 365 * 24 * 3600, LARGE = 3 << 20 };

struct tls_scene {
    const char *folder;
    struct certificate ca, server, ours;
    struct tls_options options;
    struct tls_context *context;
    struct tls *tls;
    const char *host;
    SSL_CTX *server_context;
    SSL *peer;
    BIO *to_peer, *from_peer;
    unsigned complaints;
    struct diag complaint;
    size_t chunk; /* bytes of the server that move at a time; 0: all */
};

extern struct tls_scene tls_scene;
extern char tls_got[LARGE + 1]; /* what read_all brought */
extern size_t tls_got_len;

int tls_begin(void **unused); /* cmocka's setup and teardown */
int tls_end(void **unused);
#define tls_test(f) cmocka_unit_test_setup_teardown(f, tls_begin, tls_end)

const char *tls_file(const char *name); /* in the test's folder */

void given_a_server(const struct certificate_options *certificate);
void given_a_good_server(void);
void given_a_connection(void); /* not secure yet */
void drop_connection(void);

int handshake(void);       /* of tls_handshake; -ENODATA: nobody says more */
int read_all(void);        /* what the last tls_read returned */
int use_for_reading(void); /* what is in tls_input alone */
void carry_to_peer(void);
void peer_says(const char *text);
bool text_matches(const char *text, const char *pattern);
void then_why_is(enum mqtt_cause cause, const char *pattern);
void then_it_works(void);

#endif

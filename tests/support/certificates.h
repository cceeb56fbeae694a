/* certificates.h: authorities, certificates and keys for a test, made on the spot: nothing to commit, nothing
 * that expires in the tree. ECDSA P-256: quick to make. */
#ifndef TESTS_SUPPORT_CERTIFICATES_H
#define TESTS_SUPPORT_CERTIFICATES_H

#include <openssl/x509.h>
#include <stdbool.h>

struct certificate {
    X509 *x509;
    EVP_PKEY *key;
};

struct certificate_options {
    const char *name;                 /* common name */
    const char *alternatives;         /* as openssl.cnf has it: "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const struct certificate *signer; /* NULL: itself */
    long from_s, until_s;             /* from now on; both 0: yesterday to tomorrow */
    bool is_authority;
};

/* Freed at the end of the test by certificate_free. */
struct certificate certificate_make(const struct certificate_options *options);
void certificate_free(struct certificate *c);

/* PEM. The key gets mode 0600; passphrase: NULL: not encrypted. */
void certificate_write(const struct certificate *c, const char *path);
void certificate_append(const struct certificate *c, const char *path);
void certificate_write_key(const struct certificate *c, const char *path, const char *passphrase);

#endif

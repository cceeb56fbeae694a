#include "support/certificates.h"

#include "shared/check.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DAY_S = 24 * 3600 };

static void add_extension(X509 *x509, X509 *signer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    CHECK(extension && X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void set_serial(X509 *x509)
{
    unsigned char random[4];
    long serial = 1;
    CHECK(RAND_bytes(random, sizeof random) == 1);
    memcpy(&serial, random, sizeof random);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial & 0x7fffffff);
}

static void set_times(X509 *x509, const struct certificate_options *o)
{
    bool is_given = o->from_s || o->until_s;
    X509_gmtime_adj(X509_getm_notBefore(x509), is_given ? o->from_s : -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(x509), is_given ? o->until_s : DAY_S);
}

struct certificate certificate_make(const struct certificate_options *o)
{
    struct certificate c = {X509_new(), EVP_EC_gen("P-256")};
    const struct certificate *signer = o->signer ? o->signer : &c;
    CHECK(c.x509 && c.key);
    X509_set_version(c.x509, 2);
    set_serial(c.x509);
    set_times(c.x509, o);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c.x509), "CN", MBSTRING_UTF8,
                               (const unsigned char *)o->name, -1, -1, 0);
    X509_set_issuer_name(c.x509, X509_get_subject_name(signer->x509));
    X509_set_pubkey(c.x509, c.key);
    add_extension(c.x509, signer->x509, NID_basic_constraints,
                  o->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (o->alternatives)
        add_extension(c.x509, signer->x509, NID_subject_alt_name, o->alternatives);
    CHECK(X509_sign(c.x509, signer->key, EVP_sha256()) > 0);
    return c;
}

void certificate_free(struct certificate *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    *c = (struct certificate){0};
}

static void write_pem(const struct certificate *c, const char *path, const char *mode)
{
    FILE *f = fopen(path, mode);
    CHECK(f && PEM_write_X509(f, c->x509) == 1 && fclose(f) == 0);
}

void certificate_write(const struct certificate *c, const char *path)
{
    write_pem(c, path, "we");
}

void certificate_append(const struct certificate *c, const char *path)
{
    write_pem(c, path, "ae");
}

void certificate_write_key(const struct certificate *c, const char *path, const char *passphrase)
{
    FILE *f = fopen(path, "we");
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_128_cbc() : NULL;
    int len = passphrase ? (int)strlen(passphrase) : 0;
    CHECK(f &&
          PEM_write_PrivateKey(f, c->key, cipher, (const unsigned char *)passphrase, len, NULL, NULL) == 1 &&
          fclose(f) == 0);
    CHECK(chmod(path, 0600) == 0);
}

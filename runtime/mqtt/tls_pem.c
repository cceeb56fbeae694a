#include "mqtt/tls_internal.h"

#include "shared/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

enum { CERTIFICATES_BYTES_MAX = 4 << 20, KEY_BYTES_MAX = 64 << 10 };

/* Without it, OpenSSL would ask at the terminal. */
static int no_passphrase(char *buffer, int size, int is_writing, void *user)
{
    (void)buffer, (void)size, (void)is_writing;
    *(bool *)user = true;
    return -1;
}

/* ---- certificates ---- */

/* Reads it without OpenSSL's own files, whose errors do not say what the system said. */
static int open_pem(const char *path, BIO **ret_bio, struct diag *diag)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        diag_set(diag, path, 0, 0, "the certificate cannot be read: %s", strerror(error));
        if (fd >= 0)
            close(fd);
        return -error;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > CERTIFICATES_BYTES_MAX) {
        diag_set(diag, path, 0, 0, "not a file of certificates: write them into a file and name that");
        close(fd);
        return -EINVAL;
    }
    FILE *file = fdopen(fd, "r");
    *ret_bio = file ? BIO_new_fp(file, BIO_CLOSE) : NULL;
    if (*ret_bio)
        return 0;
    diag_set(diag, path, 0, 0, "out of memory");
    if (file)
        fclose(file);
    else
        close(fd);
    return -ENOMEM;
}

static int no_certificate(const char *path, struct diag *diag)
{
    diag_set(diag, path, 0, 0,
             "no certificate in it that can be read: PEM is needed, which begins with -----BEGIN "
             "CERTIFICATE-----");
    return -EINVAL;
}

/* After the last certificate of a file, the only error is that there is no other. */
static bool is_end_of_pem(void)
{
    unsigned long error = ERR_peek_last_error();
    return error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
}

/* What is done with each certificate of a file; takes a reference of its own. False: out of memory. */
typedef bool use_certificate(SSL_CTX *ssl, X509 *certificate, size_t index);

static int use_all(SSL_CTX *ssl, const char *path, use_certificate *use, struct diag *diag)
{
    BIO *bio = NULL;
    X509 *certificate;
    size_t count = 0;
    bool used = true, is_encrypted = false;
    int error = open_pem(path, &bio, diag);
    if (error)
        return error;
    ERR_clear_error();
    while (used && (certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, &is_encrypted))) {
        used = use(ssl, certificate, count++);
        X509_free(certificate);
    }
    BIO_free(bio);
    return used && count > 0 && is_end_of_pem() ? 0 : no_certificate(path, diag);
}

static bool trust_one(SSL_CTX *ssl, X509 *certificate, size_t index)
{
    (void)index;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), certificate) == 1;
}

/* One that is named is trusted, also if it is none of a root: a pinned certificate. */
int tls_pem_trust(SSL_CTX *ssl, const char *path, struct diag *diag)
{
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return use_all(ssl, path, trust_one, diag);
}

/* ---- our own ---- */

static bool present_one(SSL_CTX *ssl, X509 *certificate, size_t index)
{
    if (index == 0)
        return SSL_CTX_use_certificate(ssl, certificate) == 1;
    return SSL_CTX_add1_chain_cert(ssl, certificate) == 1;
}

static int parse_key(const char *path, const struct secret *text, EVP_PKEY **ret_key, struct diag *diag)
{
    bool is_encrypted = false;
    BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
    *ret_key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &is_encrypted) : NULL;
    BIO_free(bio);
    if (*ret_key)
        return 0;
    if (is_encrypted)
        diag_set(diag, path, 0, 0,
                 "the key is encrypted, and nobody is there to type a passphrase: write it without one, with "
                 "openssl pkey -in FILE -out FILE");
    else
        diag_set(diag, path, 0, 0,
                 "no private key in it that can be read: PEM is needed, which begins with -----BEGIN PRIVATE "
                 "KEY-----");
    return -EINVAL;
}

static int read_key(const char *path, EVP_PKEY **ret_key, struct diag *diag)
{
    struct secret text;
    int error = secret_file_read(path, "key", KEY_BYTES_MAX, &text, diag);
    if (error)
        return error;
    error = parse_key(path, &text, ret_key, diag);
    secret_finish(&text);
    return error;
}

int tls_pem_own(SSL_CTX *ssl, const char *cert_path, const char *key_path, struct diag *diag)
{
    EVP_PKEY *key = NULL;
    int error = use_all(ssl, cert_path, present_one, diag);
    if (!error)
        error = read_key(key_path, &key, diag);
    if (error)
        return error;
    bool fits = SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;
    EVP_PKEY_free(key);
    if (fits)
        return 0;
    diag_set(diag, key_path, 0, 0,
             "the key does not belong to the certificate in %s: name the two that were made together",
             cert_path);
    return -EINVAL;
}

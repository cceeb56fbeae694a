#include "mqtt/tls_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { DATE_MAX = 32, NAMES_MAX = 160, NAME_MAX_BYTES = 120 };

__attribute__((format(printf, 3, 4))) static void say(struct tls *tls, enum mqtt_cause cause,
                                                      const char *format, ...);

static void say(struct tls *tls, enum mqtt_cause cause, const char *format, ...)
{
    va_list args;
    tls->cause = cause;
    int used = snprintf(tls->why, sizeof tls->why, "TLS with %s: ", tls->endpoint);
    va_start(args, format);
    if (used > 0 && (size_t)used < sizeof tls->why)
        vsnprintf(tls->why + used, sizeof tls->why - (size_t)used, format, args);
    va_end(args);
}

/* ---- what is in a certificate ---- */

static const char *date(const ASN1_TIME *time, char buffer[DATE_MAX])
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1 || !strftime(buffer, DATE_MAX, "%Y-%m-%d %H:%M UTC", &tm))
        snprintf(buffer, DATE_MAX, "an unknown date");
    return buffer;
}

static const char *now(char buffer[DATE_MAX])
{
    time_t seconds = time(NULL);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || !strftime(buffer, DATE_MAX, "%Y-%m-%d %H:%M UTC", &tm))
        snprintf(buffer, DATE_MAX, "nothing");
    return buffer;
}

static const char *common_name(const X509_NAME *name, char buffer[NAME_MAX_BYTES])
{
    buffer[0] = '\0';
    if (X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, buffer, NAME_MAX_BYTES) <= 0)
        X509_NAME_oneline(name, buffer, NAME_MAX_BYTES);
    return buffer;
}

static void add_name(char *names, const char *name, int len)
{
    size_t used = strlen(names);
    snprintf(names + used, NAMES_MAX - used, "%s%.*s", used ? ", " : "", len, name);
}

static void add_alternative(char *names, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    char address[INET6_ADDRSTRLEN];
    int len = type == GEN_DNS || type == GEN_IPADD ? ASN1_STRING_length(value) : 0;
    if (type == GEN_DNS)
        add_name(names, (const char *)ASN1_STRING_get0_data(value), len);
    else if ((len == 4 || len == 16) &&
             inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), address, sizeof address))
        add_name(names, address, (int)strlen(address));
}

/* Whom it is for: what the verification compares with, which is the common name only where no name is given.
 */
static const char *names_of(const X509 *certificate, char names[NAMES_MAX])
{
    char name[NAME_MAX_BYTES];
    names[0] = '\0';
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++)
        add_alternative(names, sk_GENERAL_NAME_value(list, i));
    GENERAL_NAMES_free(list);
    if (!names[0]) {
        common_name(X509_get_subject_name(certificate), name);
        add_name(names, name, (int)strlen(name));
    }
    return names;
}

/* ---- a certificate that is no good ---- */

static void say_expired(struct tls *tls, const X509 *certificate, int depth)
{
    char until[DATE_MAX], today[DATE_MAX];
    say(tls, MQTT_CAUSE_REFUSED, "%s expired at %s (it is %s here): renew it, or set this machine's clock",
        depth ? "a certificate that signs the broker's" : "the broker's certificate",
        date(X509_get0_notAfter(certificate), until), now(today));
}

static void say_too_early(struct tls *tls, const X509 *certificate)
{
    char from[DATE_MAX], today[DATE_MAX];
    say(tls, MQTT_CAUSE_REFUSED,
        "the broker's certificate is not valid before %s, and it is %s here: set this machine's clock",
        date(X509_get0_notBefore(certificate), from), now(today));
}

static void say_wrong_name(struct tls *tls, const X509 *certificate)
{
    char names[NAMES_MAX];
    say(tls, MQTT_CAUSE_REFUSED,
        "the broker's certificate is for %s, not for %s: connect to a name that it has, or write the name to "
        "expect as server_name",
        names_of(certificate, names), tls_name(tls));
}

static void say_unknown_signer(struct tls *tls, const X509 *certificate)
{
    char name[NAME_MAX_BYTES];
    const char *file = tls->context->ca_file;
    say(tls, MQTT_CAUSE_REFUSED,
        "the broker's certificate is signed by '%s', which %s%s does not trust: name the file of that "
        "authority's certificate as ca_file",
        common_name(X509_get_issuer_name(certificate), name), file ? "ca_file " : "this system",
        file ? file : "");
}

static void say_self_signed(struct tls *tls)
{
    say(tls, MQTT_CAUSE_REFUSED,
        "the broker's certificate is signed by itself, and is not among those that are trusted: name a copy "
        "of it as ca_file, if it is the right one");
}

static void say_bad(struct tls *tls, int error, const X509 *certificate, int depth)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        say_expired(tls, certificate, depth);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        say_too_early(tls, certificate);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        say_wrong_name(tls, certificate);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        say_self_signed(tls);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        say_unknown_signer(tls, certificate);
        break;
    default:
        say(tls, MQTT_CAUSE_REFUSED, "the broker's certificate is no good: %s",
            X509_verify_cert_error_string(error));
    }
}

int tls_words_verify(int good, X509_STORE_CTX *chain)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = SSL_get_app_data(ssl);
    if (!good && !tls->why[0])
        say_bad(tls, X509_STORE_CTX_get_error(chain), X509_STORE_CTX_get_current_cert(chain),
                X509_STORE_CTX_get_error_depth(chain));
    return good;
}

/* ---- what the broker says about ours ---- */

static void say_wants_ours(struct tls *tls)
{
    say(tls, MQTT_CAUSE_REFUSED,
        "the broker wants a certificate of ours: name it and its key as cert_file and key_file");
}

static void say_refuses_ours(struct tls *tls, const char *why)
{
    const char *file = tls->context->cert_file;
    if (file)
        say(tls, MQTT_CAUSE_REFUSED, "the broker does not accept our certificate %s: %s", file, why);
    else
        say_wants_ours(tls);
}

/* True: it is one of an alert that the broker sent (RFC 8446 section 6.2), and has been told. */
static bool say_alert(struct tls *tls, int reason)
{
    switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        say_wants_ours(tls);
        return true;
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        if (tls->context->cert_file)
            say(tls, MQTT_CAUSE_REFUSED,
                "the broker refuses the handshake: it may accept none of our ciphers");
        else
            say(tls, MQTT_CAUSE_REFUSED,
                "the broker refuses the handshake: if it wants a certificate of ours, name it and its key as "
                "cert_file and key_file");
        return true;
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        say_refuses_ours(tls, "it has expired, or the broker's clock is wrong");
        return true;
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        say_refuses_ours(tls, "it was revoked");
        return true;
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        say_refuses_ours(tls, "it does not trust who signed it");
        return true;
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        say_refuses_ours(tls, ERR_reason_error_string(ERR_peek_error()));
        return true;
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
        say(tls, MQTT_CAUSE_REFUSED, "the broker speaks neither TLS 1.2 nor 1.3, which are needed");
        return true;
    default:
        return false;
    }
}

void tls_words_failed(struct tls *tls, int ssl_error)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    if (ssl_error == SSL_ERROR_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL) {
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && tls->why[0])
            return; /* said already, with what is wrong */
        if (say_alert(tls, reason))
            return;
    }
    if (!tls->secure && (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
                         reason == SSL_R_HTTP_REQUEST))
        say(tls, MQTT_CAUSE_REFUSED,
            "what answers there speaks no TLS: write the port of its TLS listener (usually 8883, of "
            "WebSocket 443), "
            "or mqtt:// or ws://");
    else
        say(tls, MQTT_CAUSE_NETWORK, "%s",
            error ? ERR_reason_error_string(error) : "the connection broke off in the middle");
}

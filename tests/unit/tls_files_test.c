/* Certificates, keys and tickets: ours, and what is read again. */
#include "tls_scene.h"

#include "support/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- our own certificate ---- */

static void given_a_certificate_of_ours(const struct certificate *signer)
{
    tls_scene.ours = certificate_make(&(struct certificate_options){.name = "gateway-7", .signer = signer});
    certificate_write(&tls_scene.ours, tls_file("ours.crt"));
    certificate_write_key(&tls_scene.ours, tls_file("ours.key"), NULL);
    tls_scene.options.cert_file = tls_file("ours.crt");
    tls_scene.options.key_file = tls_file("ours.key");
}

static void given_a_server_that_asks(int version)
{
    given_a_good_server();
    SSL_CTX_set_max_proto_version(tls_scene.server_context, version);
    SSL_CTX_set_verify(tls_scene.server_context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(tls_scene.server_context), tls_scene.ca.x509);
}

static void our_certificate_is_shown_when_asked_for(void **unused)
{
    (void)unused;
    char name[64];
    given_a_certificate_of_ours(&tls_scene.ca);
    given_a_server_that_asks(TLS1_3_VERSION);
    given_a_connection();
    assert_int_equal(handshake(), 0);
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(tls_scene.peer)),
                              NID_commonName, name, sizeof name);
    assert_string_equal(name, "gateway-7");
}

/* In TLS 1.3 the handshake is over for us before the broker has looked at our certificate. */
static void then_the_broker_refuses(const char *pattern)
{
    int error = handshake();
    if (error == 0)
        error = read_all();
    assert_int_equal(error, -EPROTO);
    then_why_is(MQTT_CAUSE_REFUSED, pattern);
}

static void a_broker_that_wants_ours_and_gets_none_is_said(void **unused)
{
    (void)unused;
    given_a_server_that_asks(TLS1_3_VERSION);
    given_a_connection();
    then_the_broker_refuses("^" PREFIX
                            "the broker wants a certificate of ours: name it and its key as cert_file "
                            "and key_file$");
    drop_connection();
    SSL_CTX_set_max_proto_version(tls_scene.server_context, TLS1_2_VERSION);
    given_a_connection();
    then_the_broker_refuses("^" PREFIX
                            "the broker refuses the handshake: if it wants a certificate of ours, name "
                            "it and its key as cert_file and key_file$");
}

static void a_broker_that_does_not_trust_ours_is_said(void **unused)
{
    (void)unused;
    given_a_certificate_of_ours(NULL);
    given_a_server_that_asks(TLS1_3_VERSION);
    given_a_connection();
    then_the_broker_refuses("^" PREFIX
                            "the broker does not accept our certificate .*/ours\\.crt: it does not trust "
                            "who signed it$");
}

/* ---- files ---- */

static void refused_file(const char *name, int error, const char *pattern)
{
    struct diag diag = {0};
    int found = 0;
    tls_scene.context = tls_context_create(&tls_scene.options, &found, &diag);
    assert_null(tls_scene.context);
    assert_int_equal(found, error);
    assert_string_equal(diag.file, tls_file(name));
    if (!text_matches(diag.text, pattern))
        fail_msg("said: %s\nwanted: %s", diag.text, pattern);
}

static void a_missing_file_is_said(void **unused)
{
    (void)unused;
    unlink(tls_file("ca.crt"));
    refused_file("ca.crt", -ENOENT, "^the certificate cannot be read: No such file or directory$");
}

static void a_file_without_a_certificate_is_refused(void **unused)
{
    (void)unused;
    file_print(tls_file("ca.crt"), "hello\n");
    refused_file("ca.crt", -EINVAL,
                 "^no certificate in it that can be read: PEM is needed, which begins with "
                 "-----BEGIN CERTIFICATE-----$");
}

/* OpenSSL asks at the terminal, or reads standard input where there is none. */
static void an_encrypted_certificate_is_refused_and_nobody_is_asked(void **unused)
{
    (void)unused;
    static const char answer[] = "a passphrase\n";
    int ends[2], left = 0, own_input = dup(STDIN_FILENO);
    file_print(tls_file("encrypted.crt"), "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                                          "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                                          "AAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], answer, strlen(answer)), strlen(answer));
    dup2(ends[0], STDIN_FILENO);
    tls_scene.options.ca_file = tls_file("encrypted.crt");
    refused_file("encrypted.crt", -EINVAL, "no certificate in it that can be read: ");
    assert_int_equal(ioctl(ends[0], FIONREAD, &left), 0);
    assert_int_equal(left, strlen(answer));
    dup2(own_input, STDIN_FILENO);
    close(own_input);
    close(ends[0]);
    close(ends[1]);
}

static void a_folder_is_no_certificate(void **unused)
{
    (void)unused;
    tls_scene.options.ca_file = tls_file("folder");
    assert_int_equal(mkdir(tls_file("folder"), 0700), 0);
    refused_file("folder", -EINVAL, "^not a file of certificates:");
}

static void half_a_certificate_behind_a_good_one_is_refused(void **unused)
{
    (void)unused;
    size_t len;
    char *text = file_read(tls_file("ca.crt"), &len);
    char *both = malloc(2 * len);
    memcpy(both, text, len);
    memcpy(both + len, text, len / 2);
    file_write(tls_file("ca.crt"), both, len + len / 2);
    free(text);
    free(both);
    refused_file("ca.crt", -EINVAL, "^no certificate in it that can be read");
}

static void a_key_that_everybody_can_read_is_refused(void **unused)
{
    (void)unused;
    given_a_certificate_of_ours(&tls_scene.ca);
    chmod(tls_file("ours.key"), 0644);
    refused_file("ours.key", -EACCES,
                 "^everybody on this machine has access to it \\(mode 0644\\): run chmod 600 on it$");
}

static void a_key_of_another_certificate_is_refused(void **unused)
{
    (void)unused;
    given_a_certificate_of_ours(&tls_scene.ca);
    certificate_write_key(&tls_scene.ca, tls_file("ours.key"), NULL);
    refused_file("ours.key", -EINVAL,
                 "^the key does not belong to the certificate in .*/ours\\.crt: name the two that were made "
                 "together$");
}

static void an_encrypted_key_is_refused_and_nobody_is_asked(void **unused)
{
    (void)unused;
    given_a_certificate_of_ours(&tls_scene.ca);
    certificate_write_key(&tls_scene.ours, tls_file("ours.key"), "secret");
    refused_file("ours.key", -EINVAL, "^the key is encrypted, and nobody is there to type a passphrase:");
}

static void a_file_without_a_key_is_refused(void **unused)
{
    (void)unused;
    given_a_certificate_of_ours(&tls_scene.ca);
    file_print(tls_file("ours.key"), "hello\n");
    refused_file("ours.key", -EINVAL, "^no private key in it that can be read:");
}

/* ---- files that change ---- */

static void new_files_count_from_the_next_connection_on(void **unused)
{
    (void)unused;
    struct certificate other =
        certificate_make(&(struct certificate_options){.name = "New Authority", .is_authority = true});
    given_a_server(
        &(struct certificate_options){.name = "broker", .alternatives = "DNS:localhost", .signer = &other});
    given_a_connection();
    assert_int_equal(handshake(), -EPROTO);
    drop_connection();
    certificate_append(&other, tls_file("ca.crt"));
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_int_equal(tls_scene.complaints, 0);
    certificate_free(&other);
}

static void bad_new_files_are_said_once_and_the_old_ones_kept(void **unused)
{
    (void)unused;
    given_a_good_server();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    file_print(tls_file("ca.crt"), "spoilt\n");
    for (int i = 0; i < 3; i++) {
        drop_connection();
        given_a_connection();
        assert_int_equal(handshake(), 0);
    }
    assert_int_equal(tls_scene.complaints, 1);
    assert_string_equal(tls_scene.complaint.file, tls_file("ca.crt"));
}

/* ---- sessions ---- */

static bool is_resumed(void)
{
    char text[128];
    bool said = strstr(tls_describe(tls_scene.tls, text, sizeof text), ", resumed");
    assert_int_equal(said, SSL_session_reused(tls_scene.peer));
    return said;
}

static void the_next_connection_resumes(int version)
{
    given_a_good_server();
    SSL_CTX_set_max_proto_version(tls_scene.server_context, version);
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_false(is_resumed());
    then_it_works(); /* the tickets of TLS 1.3 come with what is read */
    drop_connection();
    given_a_connection();
    assert_int_equal(handshake(), 0);
    assert_true(is_resumed());
    then_it_works();
}

static void a_tls_1_3_session_is_resumed(void **unused)
{
    (void)unused;
    the_next_connection_resumes(TLS1_3_VERSION);
}

static void a_tls_1_2_session_is_resumed(void **unused)
{
    (void)unused;
    the_next_connection_resumes(TLS1_2_VERSION);
}

/* Its ticket stands for a broker whose authority may have lost our trust. */
static void new_files_end_the_session(void **unused)
{
    (void)unused;
    struct certificate other =
        certificate_make(&(struct certificate_options){.name = "Other Authority", .is_authority = true});
    the_next_connection_resumes(TLS1_3_VERSION);
    drop_connection();
    certificate_write(&other, tls_file("ca.crt"));
    given_a_connection();
    assert_int_equal(handshake(), -EPROTO);
    certificate_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        tls_test(our_certificate_is_shown_when_asked_for),
        tls_test(a_broker_that_wants_ours_and_gets_none_is_said),
        tls_test(a_broker_that_does_not_trust_ours_is_said),
        tls_test(a_missing_file_is_said),
        tls_test(a_file_without_a_certificate_is_refused),
        tls_test(an_encrypted_certificate_is_refused_and_nobody_is_asked),
        tls_test(a_folder_is_no_certificate),
        tls_test(half_a_certificate_behind_a_good_one_is_refused),
        tls_test(a_key_that_everybody_can_read_is_refused),
        tls_test(a_key_of_another_certificate_is_refused),
        tls_test(an_encrypted_key_is_refused_and_nobody_is_asked),
        tls_test(a_file_without_a_key_is_refused),
        tls_test(new_files_count_from_the_next_connection_on),
        tls_test(bad_new_files_are_said_once_and_the_old_ones_kept),
        tls_test(a_tls_1_3_session_is_resumed),
        tls_test(a_tls_1_2_session_is_resumed),
        tls_test(new_files_end_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* hark.yaml: what it becomes, what is refused, and the files that passwords are read from. */
#include "manifest/node_config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct node_config *accepted_as(const char *file, const char *text)
{
    struct node_config *config = NULL;
    struct diags diags = {0};
    int r = node_config_parse(file, slice_of(text), &config, &diags);
    if (r < 0 && diags.count)
        fail_msg("%u:%u: %s", diags.items[0].line, diags.items[0].column, diags.items[0].text);
    assert_int_equal(r, 0);
    assert_int_equal(diags.count, 0);
    return config;
}

static struct node_config *accepted(const char *text)
{
    return accepted_as("hark.yaml", text);
}

static void refused(const char *text, const char *expected)
{
    struct node_config *config = NULL;
    struct diags diags = {0};
    char line[DIAG_FORMATTED_MAX];

    assert_int_equal(node_config_parse("hark.yaml", slice_of(text), &config, &diags), -EINVAL);
    assert_null(config);
    assert_string_equal(diag_format(&diags.items[0], line, sizeof line), expected);
    assert_int_equal(diags.count, 1);
    diags_finish(&diags);
}

static const char full[] =
    "node: gateway-7\n"
    "state: /var/lib/hark\n"
    "manifests: manifests\n"
    "functions: ./lib\n"
    "broker: site\n"
    "brokers:\n"
    "  site: { url: \"mqtt://10.0.0.2\", username: gw7, password_file: site.password,\n"
    "          protocol: 5, keep_alive: 5s }\n"
    "  lab:\n"
    "    url: mqtt://localhost:2883\n"
    "    protocol: 3.1.1\n"
    "    keep_alive: 0s\n"
    "    password_file: /etc/lab.password\n";

static void every_setting_arrives(void **unused)
{
    struct node_config *c = accepted(full);
    (void)unused;
    assert_string_equal(c->node, "gateway-7");
    assert_string_equal(c->state, "/var/lib/hark");
    assert_string_equal(c->manifests, "manifests");
    assert_string_equal(c->functions, "./lib");
    assert_string_equal(c->broker, "site");
    assert_string_equal(c->file, "hark.yaml");
    node_config_free(c);
}

static void every_broker_arrives(void **unused)
{
    struct node_config *c = accepted(full);
    const struct node_broker *site = node_config_broker(c, "site"), *lab = node_config_broker(c, "lab");
    (void)unused;
    assert_int_equal(c->broker_count, 2);
    assert_string_equal(site->url, "mqtt://10.0.0.2");
    assert_string_equal(site->username, "gw7");
    assert_string_equal(site->password_file, "site.password");
    assert_int_equal(site->protocol, 5);
    assert_int_equal(site->keep_alive_s, 5);
    assert_int_equal(site->line, 7);
    assert_int_equal(site->column, 16);
    assert_string_equal(lab->url, "mqtt://localhost:2883");
    assert_null(lab->username);
    assert_string_equal(lab->password_file, "/etc/lab.password");
    assert_int_equal(lab->protocol, 4);
    assert_int_equal(lab->keep_alive_s, 0);
    assert_null(node_config_broker(c, "other"));
    node_config_free(c);
}

static void a_broker_has_defaults(void **unused)
{
    struct node_config *c =
        accepted("brokers: { a: { url: \"mqtt://h\" }, b: { url: \"mqtt://h\", protocol: auto } }\n");
    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(c->brokers[i].protocol, 0);
        assert_int_equal(c->brokers[i].keep_alive_s, 60);
        assert_null(c->brokers[i].password_file);
    }
    assert_null(c->broker);
    node_config_free(c);
}

static void nothing_written_is_nothing_given(void **unused)
{
    static const char *const texts[] = {"", "# node: x\n", "---\n", "{}\n"};
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct node_config *c = accepted(texts[i]);
        assert_null(c->node);
        assert_null(c->state);
        assert_null(c->broker);
        assert_int_equal(c->broker_count, 0);
        node_config_free(c);
    }
}

static void relative_paths_start_in_the_folder_of_the_file(void **unused)
{
    struct node_config *c = accepted_as("/etc/hark/hark.yaml", full);
    (void)unused;
    assert_string_equal(c->state, "/var/lib/hark");
    assert_string_equal(c->manifests, "/etc/hark/manifests");
    assert_string_equal(c->functions, "/etc/hark/./lib");
    assert_string_equal(node_config_broker(c, "site")->password_file, "/etc/hark/site.password");
    assert_string_equal(node_config_broker(c, "lab")->password_file, "/etc/lab.password");
    node_config_free(c);
    c = accepted_as("/hark.yaml", "state: s\n");
    assert_string_equal(c->state, "/s");
    node_config_free(c);
}

static void a_broker_may_be_a_url(void **unused)
{
    struct node_config *c = accepted("broker: mqtt://user:word@[::1]:1884\n");
    (void)unused;
    assert_string_equal(c->broker, "mqtt://user:word@[::1]:1884");
    node_config_free(c);
}

static void unknown_keys_get_a_suggestion_or_the_list(void **unused)
{
    (void)unused;
    refused("stat: x\n", "hark.yaml:1:1: unknown key 'stat': did you mean 'state'?");
    refused(
        "listen: 80\n",
        "hark.yaml:1:1: unknown key 'listen': allowed are node state manifests functions dead_letters broker "
        "brokers");
    refused("brokers: { a: { url: \"mqtt://h\", password: hunter2 } }\n",
            "hark.yaml:1:34: unknown key 'password': did you mean 'password_file'?");
    refused("url: \"mqtt://h\"\n",
            "hark.yaml:1:1: unknown key 'url': it belongs in brokers, write it indented below that");
}

static void wrong_types_are_refused(void **unused)
{
    (void)unused;
    refused("- a\n", "hark.yaml:1:1: expected keys, found a list: write for instance node: gateway-7");
    refused("node: [a]\n",
            "hark.yaml:1:7: node: expected a text, found a list: write for instance node: gateway-7");
    refused("state:\n",
            "hark.yaml:1:7: state: expected a text, found nothing: write for instance state: /var/lib/hark");
    refused(
        "brokers: [a]\n",
        "hark.yaml:1:10: brokers: expected keys, found a list: write for instance brokers: { site: { url: "
        "\"mqtt://10.0.0.2\" } }");
    refused("brokers: { a: x }\n",
            "hark.yaml:1:15: brokers: expected the keys of a broker, found 'x': write for instance { url: "
            "\"mqtt://10.0.0.2\" }");
    refused("brokers: { a: {} }\n",
            "hark.yaml:1:15: brokers.<name>.url is missing: write for instance url: mqtt://10.0.0.2:1883");
}

#define NAME_RULE                                                                                            \
    "not a name: write A-Z, a-z, 0-9, '.', '_' and '-', at most 63 of them, a letter or digit first, for "   \
    "instance gateway-7"

static void names_follow_the_rule(void **unused)
{
    (void)unused;
    refused("node: a/b\n", "hark.yaml:1:7: node: " NAME_RULE);
    refused("node: -a\n", "hark.yaml:1:7: node: " NAME_RULE);
    refused("node: é\n", "hark.yaml:1:7: node: " NAME_RULE);
    refused("node: ''\n", "hark.yaml:1:7: node: " NAME_RULE);
    refused("brokers: { a b: { url: \"mqtt://h\" } }\n", "hark.yaml:1:12: brokers: " NAME_RULE);
}

static void an_unknown_broker_gets_a_suggestion(void **unused)
{
    (void)unused;
    refused("broker: stie\nbrokers: { site: { url: \"mqtt://h\" } }\n",
            "hark.yaml:1:9: broker: unknown broker 'stie': did you mean 'site'?");
    refused("broker: localhost\n",
            "hark.yaml:1:9: broker: unknown broker 'localhost': write a name from brokers, or a URL such as "
            "mqtt://host:port");
}

#define NO_URL                                                                                               \
    "not a URL of a broker: write mqtt://host[:port], mqtts:// for TLS, ws:// or wss:// for WebSocket"
#define NO_TLS "only TLS has a use for it: write a url with mqtts:// or wss://"

static void a_url_has_a_scheme_that_is_known(void **unused)
{
    (void)unused;
    node_config_free(
        accepted("broker: ws://h\nbrokers: { a: { url: \"wss://h/a?x=1\", server_name: b } }\n"));
    refused("broker: wss://\n", "hark.yaml:1:9: broker: " NO_URL);
    refused("brokers: { a: { url: localhost } }\n", "hark.yaml:1:22: brokers.<name>.url: " NO_URL);
}

static void no_complaint_shows_a_password(void **unused)
{
    static const char *const texts[] = {
        "broker: amqp://u:hunter2@h\n",
        "broker: mqtt//u:hunter2@h\n",
        "broker: [ mqtt://u:hunter2@h ]\n",
        "broker: u:hunter2\n",
        "mqtt://u:hunter2@h\n",
        "\"mqtt://u:hunter2@h\": x\n",
        "brokers: mqtt://u:hunter2@h\n",
        "brokers: { a: mqtt://u:hunter2@h }\n",
        "brokers: { a: { url: \"http://u:hunter2@h/?token=hunter2\" } }\n",
        "brokers: { a: { url: \"mqtt://h\", protocol: \"mqtt://u:hunter2@h\" } }\n",
        "brokers: { a: { url: \"mqtt://h\", keep_alive: \"mqtt://u:hunter2@h\" } }\n",
        "brokers: { a: { url: \"mqtt://u:hunter2@h\", url: \"mqtt://u:hunter2@h\" } }\n",
        "brokers: { a: { url: \"mqtt://h\", password: hunter2 } }\n",
        "broker: \"mqtt://u:hunter2@h\n",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct node_config *config = NULL;
        struct diags diags = {0};
        assert_int_equal(node_config_parse("hark.yaml", slice_of(texts[i]), &config, &diags), -EINVAL);
        assert_true(diags.count > 0);
        for (size_t d = 0; d < diags.count; d++)
            assert_null(strstr(diags.items[d].text, "hunter2"));
        diags_finish(&diags);
    }
}

static void a_protocol_is_one_of_three(void **unused)
{
    (void)unused;
    refused("brokers: { a: { url: \"mqtt://h\", protocol: 4 } }\n",
            "hark.yaml:1:44: brokers.<name>.protocol: unknown word '4': write auto, 5 or 3.1.1");
}

static void what_tls_needs_arrives(void **unused)
{
    (void)unused;
    struct node_config *c = accepted_as(
        "/etc/hark/hark.yaml",
        "brokers: { a: { url: \"mqtts://h\", ca_file: ca.crt, cert_file: /x/gw.crt, key_file: gw.key,\n"
        "  server_name: broker.example, connect_timeout: 90s } }\n");
    struct node_broker *a = c->brokers;
    assert_string_equal(a->ca_file, "/etc/hark/ca.crt");
    assert_string_equal(a->cert_file, "/x/gw.crt");
    assert_string_equal(a->key_file, "/etc/hark/gw.key");
    assert_string_equal(a->server_name, "broker.example");
    assert_int_equal(a->connect_timeout_s, 90);
    node_config_free(c);
}

static void what_only_tls_can_use_is_refused_without_it(void **unused)
{
    (void)unused;
    refused("brokers: { a: { url: \"mqtt://h\", ca_file: ca.crt } }\n",
            "hark.yaml:1:43: brokers.<name>.ca_file: " NO_TLS);
    refused("brokers: { a: { url: \"ws://h\", server_name: b } }\n",
            "hark.yaml:1:45: brokers.<name>.server_name: " NO_TLS);
}

static void a_certificate_and_its_key_belong_together(void **unused)
{
    (void)unused;
    refused("brokers: { a: { url: \"mqtts://h\", cert_file: gw.crt } }\n",
            "hark.yaml:1:46: brokers.<name>.cert_file needs brokers.<name>.key_file beside it");
}

static void a_broker_named_default_is_the_one_that_is_chosen(void **unused)
{
    (void)unused;
    node_config_free(accepted("brokers: { default: { url: \"mqtt://h\" }, a: { url: \"mqtt://i\" } }\n"));
    node_config_free(
        accepted("broker: default\nbrokers: { default: { url: \"mqtt://h\" }, a: { url: \"mqtt://i\" } }\n"));
    refused("broker: a\nbrokers: { default: { url: \"mqtt://h\" }, a: { url: \"mqtt://i\" } }\n",
            "hark.yaml:2:12: brokers: 'default' is what manifests call the broker that `broker` chooses, "
            "which is "
            "another one: give this one another name");
}

static void keep_alive_is_off_or_five_seconds_and_more(void **unused)
{
    (void)unused;
    refused(
        "brokers: { a: { url: \"mqtt://h\", keep_alive: 4s } }\n",
        "hark.yaml:1:46: brokers.<name>.keep_alive: 4s is out of bounds: write 5s to 65535s, or 0s for none");
    refused("brokers: { a: { url: \"mqtt://h\", keep_alive: 65536s } }\n",
            "hark.yaml:1:46: brokers.<name>.keep_alive: '65536s' is out of bounds: write 0s to 65535s");
    refused("brokers: { a: { url: \"mqtt://h\", keep_alive: 60 } }\n",
            "hark.yaml:1:46: brokers.<name>.keep_alive: '60' has no unit: write a whole number and a unit of "
            "s m h d, for "
            "instance 60s");
}

static void brokers_are_sixteen_at_most(void **unused)
{
    char text[2048] = "brokers:\n";
    (void)unused;
    for (int i = 0; i < NODE_BROKERS_MAX; i++)
        sprintf(text + strlen(text), "  b%d: { url: \"mqtt://h\" }\n", i);
    struct node_config *c = accepted(text);
    assert_int_equal(c->broker_count, NODE_BROKERS_MAX);
    node_config_free(c);
    strcat(text, "  one-more: { url: \"mqtt://h\" }\n");
    refused(text, "hark.yaml:2:3: brokers has 17 entries: at most 16 are allowed");
}

static void a_broker_twice_is_refused(void **unused)
{
    (void)unused;
    refused("brokers:\n  a: { url: \"mqtt://h\" }\n  a: { url: \"mqtt://i\" }\n",
            "hark.yaml:3:3: duplicate key 'a': it is already on line 2, remove one of the two");
}

/* ---- credential files ---- */

static char folder[] = "/tmp/hark-secret-XXXXXX";
static char path[64];

static int make_folder(void **unused)
{
    (void)unused;
    snprintf(folder, sizeof folder, "/tmp/hark-secret-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/secret", folder);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    remove(path); /* some tests have made none */
    return rmdir(folder);
}

static void write_secret(const char *data, size_t len, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void secret_is(const char *data, const char *expected)
{
    char *secret = NULL;
    struct diag diag;
    write_secret(data, strlen(data), 0600);
    assert_int_equal(node_config_read_secret(path, &secret, &diag), 0);
    assert_string_equal(secret, expected);
    free(secret);
}

static void secret_fails(int error, const char *expected)
{
    char *secret = NULL;
    struct diag diag;
    assert_int_equal(node_config_read_secret(path, &secret, &diag), error);
    assert_null(secret);
    assert_string_equal(diag.file, path);
    assert_string_equal(diag.text, expected);
}

static void a_secret_is_the_first_line(void **unused)
{
    (void)unused;
    secret_is("hunter2\n", "hunter2");
    secret_is("hunter2", "hunter2");
    secret_is("hunter2\r\nmore\n", "hunter2");
    secret_is(" with blanks \n", " with blanks ");
}

static void a_secret_that_others_can_reach_is_refused(void **unused)
{
    char *secret = NULL;
    struct diag diag;
    (void)unused;
    write_secret("x\n", 2, 0644);
    secret_fails(-EACCES, "everybody on this machine has access to it (mode 0644): run chmod 600 on it");
    assert_int_equal(chmod(path, 0602), 0);
    secret_fails(-EACCES, "everybody on this machine has access to it (mode 0602): run chmod 600 on it");
    assert_int_equal(chmod(path, 0640), 0); /* the group is fine */
    assert_int_equal(node_config_read_secret(path, &secret, &diag), 0);
    free(secret);
}

static void a_secret_that_is_not_there_is_refused(void **unused)
{
    (void)unused;
    secret_fails(-ENOENT,
                 "cannot be opened: No such file or directory: write the password into it, chmod 600");
}

static void an_empty_secret_is_refused(void **unused)
{
    static const char *const texts[] = {"", "\n", "\r\n", "\nhunter2\n"};
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_secret(texts[i], strlen(texts[i]), 0600);
        secret_fails(-EINVAL, "the first line is empty: write the password there");
    }
}

static void a_secret_has_1024_bytes_at_most(void **unused)
{
    char text[1100], longest[1025];
    (void)unused;
    memset(text, 'x', sizeof text);
    memset(longest, 'x', sizeof longest);
    longest[1024] = '\0';
    secret_is(longest, longest);
    text[1024] = '\n';
    text[1025] = '\0';
    secret_is(text, longest);
    text[1024] = 'x';
    text[1025] = '\n';
    write_secret(text, 1026, 0600);
    secret_fails(-EMSGSIZE, "the first line is longer than 1024 bytes: is it the right file?");
    write_secret(text, 1025, 0600);
    secret_fails(-EMSGSIZE, "the first line is longer than 1024 bytes: is it the right file?");
    memset(text, 'x', sizeof text);
    write_secret(text, sizeof text, 0600);
    secret_fails(-EMSGSIZE, "the first line is longer than 1024 bytes: is it the right file?");
}

static void a_secret_is_text(void **unused)
{
    (void)unused;
    write_secret("a\0b\n", 4, 0600);
    secret_fails(-EINVAL, "a NUL byte in the first line: write the password as text");
}

static void a_folder_is_no_secret(void **unused)
{
    (void)unused;
    assert_int_equal(mkdir(path, 0700), 0);
    secret_fails(-EISDIR, "not a file: write the password into a file and name that");
}

static void a_fifo_is_no_secret_and_holds_nobody_up(void **unused)
{
    (void)unused;
    assert_int_equal(mkfifo(path, 0600), 0);
    secret_fails(-EINVAL, "not a file: write the password into a file and name that");
}

#define secret_test(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_arrives),
        cmocka_unit_test(every_broker_arrives),
        cmocka_unit_test(a_broker_has_defaults),
        cmocka_unit_test(nothing_written_is_nothing_given),
        cmocka_unit_test(relative_paths_start_in_the_folder_of_the_file),
        cmocka_unit_test(a_broker_may_be_a_url),
        cmocka_unit_test(unknown_keys_get_a_suggestion_or_the_list),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(names_follow_the_rule),
        cmocka_unit_test(an_unknown_broker_gets_a_suggestion),
        cmocka_unit_test(a_url_has_a_scheme_that_is_known),
        cmocka_unit_test(no_complaint_shows_a_password),
        cmocka_unit_test(a_protocol_is_one_of_three),
        cmocka_unit_test(what_tls_needs_arrives),
        cmocka_unit_test(what_only_tls_can_use_is_refused_without_it),
        cmocka_unit_test(a_certificate_and_its_key_belong_together),
        cmocka_unit_test(a_broker_named_default_is_the_one_that_is_chosen),
        cmocka_unit_test(keep_alive_is_off_or_five_seconds_and_more),
        cmocka_unit_test(brokers_are_sixteen_at_most),
        cmocka_unit_test(a_broker_twice_is_refused),
        secret_test(a_secret_is_the_first_line),
        secret_test(a_secret_that_others_can_reach_is_refused),
        secret_test(a_secret_that_is_not_there_is_refused),
        secret_test(an_empty_secret_is_refused),
        secret_test(a_secret_has_1024_bytes_at_most),
        secret_test(a_secret_is_text),
        secret_test(a_folder_is_no_secret),
        secret_test(a_fifo_is_no_secret_and_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "mqtt/url.h"

#include "../support/test.h"

#include <errno.h>
#include <string.h>

static struct mqtt_url url;
static struct diag diag;

static void given(const char *text)
{
    if (mqtt_url_parse(text, &url, &diag) != 0)
        fail_msg("%s: %s", text, diag.text);
}

static void host_alone_gets_the_port_of_mqtt(void **unused)
{
    (void)unused;
    given("mqtt://broker.example");
    assert_string_equal(url.host, "broker.example");
    assert_int_equal(url.port, 1883);
    assert_false(url.has_username || url.has_password);
}

static void tls_has_a_scheme_and_a_port_of_its_own(void **unused)
{
    (void)unused;
    char text[64];
    given("mqtt://h");
    assert_false(url.is_tls);
    given("MQTTS://u:p@broker.example");
    assert_true(url.is_tls);
    assert_int_equal(url.port, 8883);
    assert_string_equal(mqtt_url_format(&url, text, sizeof text), "mqtts://u@broker.example:8883");
    given("mqtts://[::1]:1883");
    assert_true(url.is_tls);
    assert_int_equal(url.port, 1883);
}

static void websocket_has_schemes_ports_and_a_path_of_its_own(void **unused)
{
    (void)unused;
    given("ws://h");
    assert_true(url.is_web && !url.is_tls);
    assert_int_equal(url.port, 80);
    assert_string_equal(url.target, "/mqtt");
    given("WSS://u:p@[::1]");
    assert_true(url.is_web && url.is_tls);
    assert_int_equal(url.port, 443);
    assert_string_equal(url.host, "::1");
    assert_string_equal(url.password, "p");
    given("ws://h:9001/");
    assert_int_equal(url.port, 9001);
    assert_string_equal(url.target, "/");
    given("ws://h/a/b:c%40d%20e?x=1&y=/?");
    assert_string_equal(url.host, "h");
    assert_string_equal(url.target, "/a/b:c%40d%20e?x=1&y=/?");
    given("ws://h?token=1");
    assert_string_equal(url.target, "/mqtt?token=1");
    given("mqtt://h");
    assert_false(url.is_web);
    assert_string_equal(url.target, "");
}

/* A signed URL is a credential. */
static void a_log_shows_the_path_and_no_query(void **unused)
{
    (void)unused;
    char text[64];
    given("wss://u:p@h/a/b?signature=secret");
    assert_string_equal(mqtt_url_format(&url, text, sizeof text), "wss://u@h:443/a/b?...");
    given("ws://h");
    assert_string_equal(mqtt_url_format(&url, text, sizeof text), "ws://h:80/mqtt");
}

static void a_target_has_its_bound(void **unused)
{
    (void)unused;
    char text[MQTT_TARGET_MAX + 32];
    memset(text, 'x', sizeof text);
    memcpy(text, "ws://h/", 7);
    text[5 + 1 + MQTT_TARGET_MAX - 6] = '\0';
    given(text);
    assert_int_equal(strlen(url.target), MQTT_TARGET_MAX - 6);
    text[5 + 1 + MQTT_TARGET_MAX - 6] = 'x';
    text[5 + 1 + MQTT_TARGET_MAX - 5] = '\0';
    assert_int_equal(mqtt_url_parse(text, &url, &diag), -EINVAL);
    assert_non_null(strstr(diag.text, "longer than"));
}

static void all_parts_are_told_apart(void **unused)
{
    (void)unused;
    given("MQTT://user:p:w@10.0.0.1:65535");
    assert_string_equal(url.host, "10.0.0.1");
    assert_int_equal(url.port, 65535);
    assert_true(url.has_username && url.has_password);
    assert_string_equal(url.username, "user");
    assert_string_equal(url.password, "p:w");
}

static void an_ipv6_address_stands_in_brackets(void **unused)
{
    (void)unused;
    given("mqtt://[::1]");
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 1883);
    given("mqtt://u@[fe80::1:2]:1884");
    assert_string_equal(url.host, "fe80::1:2");
    assert_int_equal(url.port, 1884);
}

static void credentials_are_percent_decoded(void **unused)
{
    (void)unused;
    given("mqtt://a%40b%3Ac:%c3%BC%2F%ff@h");
    assert_string_equal(url.username, "a@b:c");
    assert_string_equal(url.password, "\xc3\xbc/\xff");
}

static void an_empty_password_is_not_an_absent_one(void **unused)
{
    (void)unused;
    given("mqtt://u:@h");
    assert_true(url.has_password);
    assert_string_equal(url.password, "");
    given("mqtt://u@h");
    assert_false(url.has_password);
    given("mqtt://:secret@h");
    assert_true(url.has_username);
    assert_string_equal(url.username, "");
    assert_string_equal(url.password, "secret");
}

static const struct {
    const char *text;
    const char *word; /* of the complaint */
} complaints[] = {
    {"", "mqtt://"},
    {"localhost", "mqtt://"},
    {"mqttx://h", "mqtt:// or mqtts://, ws:// or wss://"},
    {"ws:/h", "ws://"},
    {"ws://", "no host"},
    {"ws:///mqtt", "no host"},
    {"ws://?x", "no host"},
    {"ws://h#x", "fragment"},
    {"ws://h/a b", "path or query"},
    {"ws://h/a\r\nX: y", "path or query"},
    {"ws://h/%4", "path or query"},
    {"ws://h/%zz", "path or query"},
    {"ws://h/\xc3\xbc", "path or query"},
    {"ws://h/?<", "path or query"},
    {"ws://u@v@h/", "'@'"},
    {"ws://u:12/34@h", "'@'"},
    {"ws://h:x/", "port"},
    {"http://h", "mqtt://"},
    {"mqtt:/h", "mqtt://"},
    {"mqtt://", "no host"},
    {"mqtt://:1883", "no host"},
    {"mqtt://u@", "no host"},
    {"mqtt://@h", "no user"},
    {"mqtt://h/", "path"},
    {"mqtt://h/topic", "path"},
    {"mqtt://h?x", "query"},
    {"mqtt://h#x", "fragment"},
    {"mqtt://h:", "port"},
    {"mqtt://h:0", "port"},
    {"mqtt://h:65536", "port"},
    {"mqtt://h:99999999999999999999", "port"},
    {"mqtt://h:-1", "port"},
    {"mqtt://h:1883x", "port"},
    {"mqtt://h:+1", "port"},
    {"mqtt://::1", "brackets"},
    {"mqtt://[::1", "']'"},
    {"mqtt://[]", "no host"},
    {"mqtt://[localhost]", "IPv6"},
    {"mqtt://[::1]1883", "':'"},
    {"mqtt://[::1]:x", "port"},
    {"mqtt://ho st", "host"},
    {"mqtt://h%41", "host"},
    {"mqtt://u@v@h", "'@'"},
    {"mqtt://u%4@h", "user"},
    {"mqtt://u%zz@h", "user"},
    {"mqtt://u%@h", "user"},
    {"mqtt://u%00@h", "NUL"},
    {"mqtt://u%ff@h", "UTF-8"},
    {"mqtt://u:p%0@h", "password"},
    {"mqtt://u:p%00@h", "NUL"},
    {"mqtt://u:p w@h", "password"},
};

static void a_complaint_says_what_is_wrong(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof complaints / sizeof *complaints; i++) {
        struct mqtt_url untouched = {.port = 7};
        assert_int_equal(mqtt_url_parse(complaints[i].text, &untouched, &diag), -EINVAL);
        if (!strstr(diag.text, complaints[i].word))
            fail_msg("%s: %s", complaints[i].text, diag.text);
        assert_int_equal(untouched.port, 7);
    }
}

static void no_complaint_gives_the_password_away(void **unused)
{
    (void)unused;
    static const char *const slips[] = {
        "mqtt://user:s3cret",
        "mqtt://user:s3cret@",
        "mqtt://user:s3cret@h:x",
        "user:s3cret@h",
        "mqtt://user:s3cret@bad host",
        "mqtt://user:s3cret@h/path",
        "mqtt://us er:s3cret@h",
        "mqtt://user:s3cret%@h",
        "mqtt://user:p@s3cret@h",
        "mqtt://user:s3cret@[bad]:1883",
        "s3cret://user@h",
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        assert_int_equal(mqtt_url_parse(slips[i], &url, &diag), -EINVAL);
        assert_null(strstr(diag.text, "s3cret"));
    }
}

static const char *with_user_of(char *text, size_t len)
{
    strcpy(text, "mqtt://");
    memset(text + 7, 'u', len);
    strcpy(text + 7 + len, "@h");
    return text;
}

static void lengths_are_bounded(void **unused)
{
    (void)unused;
    char text[2048];
    given(with_user_of(text, MQTT_CREDENTIAL_MAX));
    assert_int_equal(strlen(url.username), MQTT_CREDENTIAL_MAX);
    assert_int_equal(mqtt_url_parse(with_user_of(text, MQTT_CREDENTIAL_MAX + 1), &url, &diag), -EINVAL);
    strcpy(text, "mqtt://");
    memset(text + 7, 'h', MQTT_HOST_MAX + 1);
    text[7 + MQTT_HOST_MAX] = '\0';
    given(text);
    text[7 + MQTT_HOST_MAX] = 'h';
    text[8 + MQTT_HOST_MAX] = '\0';
    assert_int_equal(mqtt_url_parse(text, &url, &diag), -EINVAL);
}

static void the_formatted_url_has_no_password(void **unused)
{
    (void)unused;
    char text[64], tiny[8];
    given("mqtt://us%40er:s3cret@[::1]:1884");
    assert_string_equal(mqtt_url_format(&url, text, sizeof text), "mqtt://us%40er@[::1]:1884");
    assert_string_equal(mqtt_url_format(&url, tiny, sizeof tiny), "mqtt://");
    given("mqtt://:s3cret@h");
    assert_string_equal(mqtt_url_format(&url, text, sizeof text), "mqtt://h:1883");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_alone_gets_the_port_of_mqtt),
        cmocka_unit_test(tls_has_a_scheme_and_a_port_of_its_own),
        cmocka_unit_test(websocket_has_schemes_ports_and_a_path_of_its_own),
        cmocka_unit_test(a_log_shows_the_path_and_no_query),
        cmocka_unit_test(a_target_has_its_bound),
        cmocka_unit_test(all_parts_are_told_apart),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(credentials_are_percent_decoded),
        cmocka_unit_test(an_empty_password_is_not_an_absent_one),
        cmocka_unit_test(a_complaint_says_what_is_wrong),
        cmocka_unit_test(no_complaint_gives_the_password_away),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(the_formatted_url_has_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "mqtt/url.h"

#include "shared/hex.h"
#include "shared/slice.h"
#include "shared/utf8.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

/* No complaint here quotes the text: a slip such as a forgotten '@' would put the password into the log. */
#define COMPLAIN(diag, ...) (diag_set((diag), NULL, 0, 0, __VA_ARGS__), -EINVAL)

struct scheme {
    const char *name;
    uint16_t port; /* IANA: mqtt, secure-mqtt, http, https */
    bool is_tls, is_web;
};

static const struct scheme schemes[] = {{"mqtt://", 1883, false, false},
                                        {"mqtts://", 8883, true, false},
                                        {"ws://", 80, false, true},
                                        {"wss://", 443, true, true}};

static const char default_target[] = "/mqtt";

enum { SCHEMES = sizeof schemes / sizeof *schemes };

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static bool is_unreserved(char c)
{
    return is_alphanumeric(c) || is_one_of(c, "-._~");
}

/* RFC 3986 section 3.2.1, without '%' */
static bool is_userinfo(char c)
{
    return is_unreserved(c) || is_one_of(c, "!$&'()*+,;=:");
}

/* The byte that %XX at the start of `text` stands for, -1 when it is none. */
static int decode_escape(struct slice text)
{
    int high = text.len >= 3 ? hex_digit(text.data[1]) : -1;
    int low = high >= 0 ? hex_digit(text.data[2]) : -1;
    return low >= 0 ? high << 4 | low : -1;
}

/* One character of user info; *used is how many bytes of text it took. */
static int decode_character(struct slice text, size_t *used)
{
    *used = text.data[0] == '%' ? 3 : 1;
    if (text.data[0] == '%')
        return decode_escape(text);
    return is_userinfo(text.data[0]) ? text.data[0] : -1;
}

static int decode_credential(struct slice text, char *ret, const char *what, struct diag *diag)
{
    size_t len = 0, used;
    for (; text.len; text = slice_make(text.data + used, text.len - used)) {
        int c = decode_character(text, &used);
        if (c < 0)
            return COMPLAIN(
                diag,
                "the %s of the broker URL: write what is not a letter or digit as %%XX, as in %%40 "
                "for '@'",
                what);
        if (c == 0)
            return COMPLAIN(diag, "the %s of the broker URL holds a NUL: leave out %%00", what);
        if (len == MQTT_CREDENTIAL_MAX)
            return COMPLAIN(diag, "the %s of the broker URL is longer than %d bytes", what,
                            MQTT_CREDENTIAL_MAX);
        ret[len++] = (char)c;
    }
    ret[len] = '\0';
    return 0;
}

static int parse_userinfo(struct slice text, struct mqtt_url *url, struct diag *diag)
{
    const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    size_t len = colon ? (size_t)(colon - text.data) : text.len;
    if (text.len == 0)
        return COMPLAIN(diag, "the broker URL has no user in front of '@': leave out the '@' or write user@");
    int e = decode_credential(slice_make(text.data, len), url->username, "user", diag);
    if (e)
        return e;
    if (!utf8_valid(slice_of(url->username)))
        return COMPLAIN(diag, "the user of the broker URL is not UTF-8 (MQTT-3.1.3-11)");
    url->has_username = true;
    url->has_password = colon;
    return colon
               ? decode_credential(slice_make(colon + 1, text.len - len - 1), url->password, "password", diag)
               : 0;
}

/* ---- host and port ---- */

static int parse_port(struct slice text, struct mqtt_url *url, struct diag *diag)
{
    unsigned port = 0;
    size_t i = 0;
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && port <= UINT16_MAX; i++)
        port = port * 10 + (unsigned)(text.data[i] - '0');
    if (i < text.len || port == 0 || port > UINT16_MAX)
        return COMPLAIN(diag, "the port of the broker URL is no number from 1 to 65535: write one, as in "
                              "mqtt://host:1883");
    url->port = (uint16_t)port;
    return 0;
}

static int set_host(struct slice host, struct mqtt_url *url, struct diag *diag)
{
    if (host.len == 0)
        return COMPLAIN(diag, "the broker URL has no host: write mqtt://host[:port]");
    if (host.len > MQTT_HOST_MAX)
        return COMPLAIN(diag, "the host of the broker URL is longer than %d bytes", MQTT_HOST_MAX);
    memcpy(url->host, host.data, host.len);
    url->host[host.len] = '\0';
    return 0;
}

static int parse_name(struct slice host, struct mqtt_url *url, struct diag *diag)
{
    for (size_t i = 0; i < host.len; i++) {
        if (!is_alphanumeric(host.data[i]) && !is_one_of(host.data[i], "-._"))
            return COMPLAIN(
                diag, "the host of the broker URL holds what no host name has: write a name of letters, "
                      "digits, '-' and '.', or an address");
    }
    return set_host(host, url, diag);
}

static int parse_address(struct slice host, struct mqtt_url *url, struct diag *diag)
{
    struct in6_addr unused;
    int e = set_host(host, url, diag);
    if (e)
        return e;
    if (inet_pton(AF_INET6, url->host, &unused) != 1)
        return COMPLAIN(
            diag, "no IPv6 address between the brackets of the broker URL: write one, as in mqtt://[::1]");
    return 0;
}

static int parse_bracketed(struct slice text, struct mqtt_url *url, struct diag *diag)
{
    const char *close = memchr(text.data, ']', text.len);
    if (!close)
        return COMPLAIN(diag, "a ']' is missing behind the IPv6 address of the broker URL");
    struct slice host = slice_make(text.data + 1, (size_t)(close - text.data) - 1);
    struct slice rest = slice_make(close + 1, text.len - host.len - 2);
    int e = parse_address(host, url, diag);
    if (e || rest.len == 0)
        return e;
    if (rest.data[0] != ':')
        return COMPLAIN(diag, "only ':' and a port may follow the ']' of the broker URL");
    return parse_port(slice_make(rest.data + 1, rest.len - 1), url, diag);
}

static int parse_host_and_port(struct slice text, struct mqtt_url *url, struct diag *diag)
{
    if (text.len && text.data[0] == '[')
        return parse_bracketed(text, url, diag);
    const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    if (!colon)
        return parse_name(text, url, diag);
    size_t len = (size_t)(colon - text.data);
    struct slice port = slice_make(colon + 1, text.len - len - 1);
    if (port.len && memchr(port.data, ':', port.len))
        return COMPLAIN(diag,
                        "more than one ':' in the host of the broker URL: write an IPv6 address in brackets, "
                        "as in mqtt://[::1]:1883");
    int e = parse_name(slice_make(text.data, len), url, diag);
    return e ? e : parse_port(port, url, diag);
}

/* ---- the whole ---- */

static int parse_authority(struct slice text, struct mqtt_url *url, struct diag *diag)
{
    const char *at = text.len ? memchr(text.data, '@', text.len) : NULL;
    if (!at)
        return parse_host_and_port(text, url, diag);
    size_t len = (size_t)(at - text.data);
    struct slice rest = slice_make(at + 1, text.len - len - 1);
    if (rest.len && memchr(rest.data, '@', rest.len))
        return COMPLAIN(diag,
                        "more than one '@' in the broker URL: write those of user and password as %%40");
    int e = parse_userinfo(slice_make(text.data, len), url, diag);
    return e ? e : parse_host_and_port(rest, url, diag);
}

static const struct scheme *find_scheme(const char *text)
{
    for (int i = 0; i < SCHEMES; i++) {
        if (strncasecmp(text, schemes[i].name, strlen(schemes[i].name)) == 0)
            return &schemes[i];
    }
    return NULL;
}

/* ---- path and query ---- */

/* RFC 3986 sections 3.3 and 3.4: nothing that could end a line of the request, or its first word. No '@': a
 * password with a '/' in it would make it a path, and so the end of a password something to log. */
static bool is_target(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        struct slice rest = slice_make(text.data + i, text.len - i);
        if (text.data[i] == '%' ? decode_escape(rest) < 0
                                : !is_userinfo(text.data[i]) && !is_one_of(text.data[i], "/?"))
            return false;
    }
    return true;
}

static int parse_target(struct slice text, struct mqtt_url *url, struct diag *diag)
{
    bool has_path = text.len && text.data[0] == '/';
    if (!is_target(text))
        return COMPLAIN(
            diag, "the path or query of the broker URL: write what is not a letter or digit as %%XX, as in "
                  "%%40 for '@'; a fragment ('#') has no place there");
    if (text.len > MQTT_TARGET_MAX - sizeof default_target)
        return COMPLAIN(diag, "path and query of the broker URL are longer than %d bytes",
                        (int)(MQTT_TARGET_MAX - sizeof default_target));
    snprintf(url->target, sizeof url->target, "%s%.*s", has_path ? "" : default_target, SLICE_ARG(text));
    return 0;
}

static int refuse_target(struct slice text, struct diag *diag)
{
    if (text.len)
        return COMPLAIN(
            diag, "a path, query or fragment in the broker URL: leave it out; in user and password write "
                  "'/' as %%2F, '?' as %%3F, '#' as %%23");
    return 0;
}

/* Cuts the path and what follows off the authority. */
static struct slice cut_target(struct slice *authority)
{
    size_t len = strcspn(authority->data, "/?#");
    struct slice target = slice_make(authority->data + len, authority->len - len);
    authority->len = len;
    return target;
}

int mqtt_url_parse(const char *text, struct mqtt_url *ret_url, struct diag *diag)
{
    const struct scheme *scheme = find_scheme(text);
    if (!scheme)
        return COMPLAIN(diag,
                        "the broker URL does not start with mqtt:// or mqtts://, ws:// or wss://: write "
                        "mqtt://[user[:password]@]host[:port]");
    struct mqtt_url url = {.port = scheme->port, .is_tls = scheme->is_tls, .is_web = scheme->is_web};
    struct slice authority = slice_of(text + strlen(scheme->name));
    struct slice target = cut_target(&authority);
    int e = url.is_web ? parse_target(target, &url, diag) : refuse_target(target, diag);
    if (e == 0)
        e = parse_authority(authority, &url, diag);
    if (e == 0)
        *ret_url = url;
    return e;
}

static void escape(const char *text, char *out)
{
    char *at = out;
    for (; *text; text++)
        at += is_unreserved(*text) ? sprintf(at, "%c", *text) : sprintf(at, "%%%02X", (unsigned char)*text);
    *at = '\0';
}

static const char *scheme_of(const struct mqtt_url *url)
{
    int i = 0;
    while (i < SCHEMES - 1 && (schemes[i].is_tls != url->is_tls || schemes[i].is_web != url->is_web))
        i++;
    return schemes[i].name;
}

const char *mqtt_url_format(const struct mqtt_url *url, char *buffer, unsigned long size)
{
    char user[3 * MQTT_CREDENTIAL_MAX + 1] = "";
    bool address = strchr(url->host, ':');
    size_t path = strcspn(url->target, "?");
    if (url->has_username)
        escape(url->username, user);
    snprintf(buffer, size, "%s%s%s%s%s%s:%u%.*s%s", scheme_of(url), user, user[0] ? "@" : "",
             address ? "[" : "", url->host, address ? "]" : "", url->port, (int)path, url->target,
             url->target[path] ? "?..." : "");
    return buffer;
}

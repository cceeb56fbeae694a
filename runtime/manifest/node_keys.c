#include "manifest/node_keys.h"

#include "shared/clock.h"

#include <ctype.h>

enum { PATH_BYTES_MAX = 4095, URL_BYTES_MAX = 4096, USERNAME_BYTES_MAX = 1024, NAME_BYTES_MAX = 63 };

#define NAME_REGEX  "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
#define NAME_BOUNDS "A-Z a-z 0-9 . _ -, at most 63, begins with a letter or digit"

const char *node_check_name(struct slice text)
{
    static const char rule[] =
        "not a name: write A-Z, a-z, 0-9, '.', '_' and '-', at most 63 of them, a letter or digit first, "
        "for instance gateway-7";
    if (text.len < 1 || text.len > NAME_BYTES_MAX)
        return rule;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!isascii(c) || (!isalnum(c) && (i == 0 || !strchr("._-", c))))
            return rule;
    }
    return NULL;
}

bool node_is_url(struct slice text)
{
    return memmem(text.data, text.len, "://", 3) != NULL;
}

/* No text of these two shows the URL: it may hold a password. */
static const char *check_url(struct slice text)
{
    static const char *const schemes[] = {"mqtt://", "mqtts://", "ws://", "wss://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i]);
        if (text.len > len && memcmp(text.data, schemes[i], len) == 0)
            return NULL;
    }
    return "not a URL of a broker: write mqtt://host[:port], mqtts:// for TLS, ws:// or wss:// for WebSocket";
}

static const char *check_broker(struct slice text)
{
    if (node_is_url(text))
        return check_url(text);
    if (node_check_name(text))
        return "neither a URL nor a name: write mqtt://host:port, or a name from brokers";
    return NULL;
}

static const char *check_server_name(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!isascii(c) || (!isalnum(c) && !strchr("-._:", c)))
            return "not a name of a host: write what the broker's certificate has, for instance "
                   "mqtt.example.com";
    }
    return NULL;
}

static const struct key_word protocol_words[] = {{"auto", 0}, {"5", 5}, {"3.1.1", 4}, {NULL, 0}};

static const struct key broker_list[] = {
    {
        .name = "url",
        .type = KEY_TEXT,
        .required = true,
        .min = 1,
        .max = URL_BYTES_MAX,
        .bounds = "mqtt://[user[:password]@]host[:port], or mqtts:// for TLS; ws:// or wss:// for WebSocket, "
                  "with [/path][?query]",
        .example = "mqtt://10.0.0.2:1883",
        .meaning = "where the broker listens",
        .regex = "^(mqtts?|wss?)://.+$",
        .check = check_url,
        KEY_MEMBER(struct node_broker, url),
    },
    {
        .name = "username",
        .type = KEY_TEXT,
        .min = 1,
        .max = USERNAME_BYTES_MAX,
        .bounds = "1 to 1024 bytes",
        .example = "gateway-7",
        .meaning = "who connects; not given: whom the URL names",
        KEY_MEMBER(struct node_broker, username),
    },
    {
        .name = "password_file",
        .type = KEY_TEXT,
        .min = 1,
        .max = PATH_BYTES_MAX,
        .bounds = "1 to 4095 bytes",
        .example = "site.password",
        .meaning = "file whose first line is the password; only its owner and group may have access",
        KEY_MEMBER(struct node_broker, password_file),
    },
    {
        .name = "protocol",
        .type = KEY_CHOICE,
        .initial = "auto",
        .example = "auto",
        .meaning = "version of MQTT; auto tries 5, then 3.1.1",
        .words = protocol_words,
        KEY_MEMBER(struct node_broker, protocol),
    },
    {
        .name = "keep_alive",
        .type = KEY_SECONDS,
        .initial = "60s",
        .min = 0,
        .max = 65535 * NS_PER_S,
        .bounds = "0s (off), or 5s to 65535s",
        .example = "60s",
        .meaning = "how long a silent connection may be dead before somebody notices",
        KEY_MEMBER(struct node_broker, keep_alive_s),
    },
    {
        .name = "connect_timeout",
        .type = KEY_SECONDS,
        .initial = "20s",
        .min = NS_PER_S,
        .max = 600 * NS_PER_S,
        .example = "20s",
        .meaning = "how long each step of connecting may take: TCP, for each address of the host; TLS; "
                   "WebSocket; the broker's answer to CONNECT",
        KEY_MEMBER(struct node_broker, connect_timeout_s),
    },
    {
        .name = "ca_file",
        .type = KEY_TEXT,
        .min = 1,
        .max = PATH_BYTES_MAX,
        .bounds = "1 to 4095 bytes; with mqtts:// or wss://",
        .example = "ca.crt",
        .meaning = "PEM file of the certificates that are trusted; not given: those of the system",
        KEY_MEMBER(struct node_broker, ca_file),
    },
    {
        .name = "cert_file",
        .type = KEY_TEXT,
        .min = 1,
        .max = PATH_BYTES_MAX,
        .bounds = "1 to 4095 bytes; with mqtts:// or wss://, and key_file",
        .example = "gateway-7.crt",
        .meaning = "PEM file of our own certificate, for brokers that want one; what signed it behind it",
        KEY_MEMBER(struct node_broker, cert_file),
    },
    {
        .name = "key_file",
        .type = KEY_TEXT,
        .min = 1,
        .max = PATH_BYTES_MAX,
        .bounds = "1 to 4095 bytes; with mqtts:// or wss://, and cert_file",
        .example = "gateway-7.key",
        .meaning = "PEM file of its key, not encrypted; only its owner and group may have access",
        KEY_MEMBER(struct node_broker, key_file),
    },
    {
        .name = "server_name",
        .type = KEY_TEXT,
        .min = 1,
        .max = 253,
        .bounds = "1 to 253 bytes; with mqtts:// or wss://",
        .example = "mqtt.example.com",
        .meaning = "name or address that the broker's certificate must have; not given: the host of the URL",
        .check = check_server_name,
        KEY_MEMBER(struct node_broker, server_name),
    },
};

const struct keys node_broker_keys = {"brokers.<name>.", KEYS_OF(broker_list)};

static const struct key dead_letters_list[] = {
    {
        .name = "max",
        .type = KEY_COUNT,
        .initial = "10000",
        .min = 0,
        .max = 1000000,
        .example = "10000",
        .meaning = "how many dead letters are kept in the state folder for hark dead; 0: none",
        KEY_MEMBER(struct node_config, dead_letters_max),
    },
    {
        .name = "size",
        .type = KEY_SIZE,
        .initial = "64MiB",
        .min = 0,
        .max = 1ull << 40,
        .example = "64MiB",
        .meaning = "how many bytes of them; what is over is only published",
        KEY_MEMBER(struct node_config, dead_letters_bytes),
    },
};

static const struct keys dead_letters_keys = {"dead_letters.", KEYS_OF(dead_letters_list)};

static const struct key node_list[] = {
    {
        .name = "node",
        .type = KEY_TEXT,
        .min = 1,
        .max = NAME_BYTES_MAX,
        .bounds = NAME_BOUNDS,
        .example = "gateway-7",
        .meaning = "the node's name, a part of its client ids: no two nodes of a broker share it",
        .regex = NAME_REGEX,
        .check = node_check_name,
        KEY_MEMBER(struct node_config, node),
    },
    {
        .name = "state",
        .type = KEY_TEXT,
        .min = 1,
        .max = PATH_BYTES_MAX,
        .bounds = "1 to 4095 bytes",
        .example = "/var/lib/hark",
        .meaning = "folder for what outlives a restart",
        KEY_MEMBER(struct node_config, state),
    },
    {
        .name = "manifests",
        .type = KEY_TEXT,
        .min = 1,
        .max = PATH_BYTES_MAX,
        .bounds = "1 to 4095 bytes",
        .example = "/etc/hark/functions",
        .meaning = "folder of the manifests",
        KEY_MEMBER(struct node_config, manifests),
    },
    {
        .name = "functions",
        .type = KEY_TEXT,
        .min = 1,
        .max = PATH_BYTES_MAX,
        .bounds = "1 to 4095 bytes",
        .example = "/usr/lib/hark",
        .meaning = "folder of the shared objects that do not lie beside their manifest",
        KEY_MEMBER(struct node_config, functions),
    },
    {
        .name = "dead_letters",
        .type = KEY_MAP,
        .example = "{ max: 10000, size: 64MiB }",
        .meaning = "dead letters that are kept on this machine",
        .inside = &dead_letters_keys,
    },
    {
        .name = "broker",
        .type = KEY_TEXT,
        .min = 1,
        .max = URL_BYTES_MAX,
        .bounds = "a name from brokers, or a URL",
        .example = "mqtt://127.0.0.1:1883",
        .meaning = "the broker to connect to",
        .check = check_broker,
        KEY_MEMBER(struct node_config, broker),
    },
    {
        .name = "brokers",
        .type = KEY_NAMED,
        .initial = "{}",
        .min = 0,
        .max = NODE_BROKERS_MAX,
        .bounds = "at most 16 brokers; names: " NAME_BOUNDS,
        .example = "{ site: { url: \"mqtt://10.0.0.2\" } }",
        .meaning = "brokers by name",
        .regex = NAME_REGEX,
        .inside = &node_broker_keys,
        .load = node_load_brokers,
    },
};

const struct keys node_keys = {"", KEYS_OF(node_list)};

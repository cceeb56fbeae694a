/* Which brokers a node has, and which of them it has chosen. */
#include "cli/settings.h"

#include "shared/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char default_broker[] = "mqtt://127.0.0.1:1883";
enum { DEFAULT_KEEP_ALIVE_S = 60, DEFAULT_CONNECT_TIMEOUT_S = 20 };

/* The broker's name or URL, and where it was said. */
struct choice {
    const char *text;
    const char *source; /* for complaints */
    int exit_code;      /* when it is wrong */
};

static struct choice choose(const struct options *o, const struct surroundings *s,
                            const struct node_config *config)
{
    if (o->broker)
        return (struct choice){o->broker, "--broker", EX_USAGE};
    if (s->broker && s->broker[0])
        return (struct choice){s->broker, "HARK_BROKER", EX_USAGE};
    if (config && config->broker)
        return (struct choice){config->broker, config->file, EX_DATAERR};
    if (config && node_config_broker(config, NODE_DEFAULT_BROKER))
        return (struct choice){NODE_DEFAULT_BROKER, config->file, EX_DATAERR};
    if (config && config->broker_count == 1)
        return (struct choice){config->brokers[0].name, config->file, EX_DATAERR};
    if (config && config->broker_count > 1)
        return (struct choice){NULL, config->file, EX_DATAERR};
    return (struct choice){default_broker, "the default", EX_SOFTWARE};
}

/* ---- one broker ---- */

/* Shows the scheme only: what follows may hold a password. */
static int refuse(struct choice choice, struct diag *diag, const struct diag *why)
{
    int scheme_len = (int)(strstr(choice.text, "://") - choice.text);
    diag_set(diag, NULL, 0, 0, "%s '%.*s://…': %s", choice.source, scheme_len, choice.text, why->text);
    return choice.exit_code;
}

static int add_url(struct choice choice, struct settings *ret, struct diag *diag)
{
    struct diag why = {0};
    struct settings_broker *b = &ret->brokers[ret->broker_count];
    if (mqtt_url_parse(choice.text, &b->url, &why) < 0)
        return refuse(choice, diag, &why);
    b->name = must_strdup(NODE_DEFAULT_BROKER);
    b->keep_alive_s = DEFAULT_KEEP_ALIVE_S;
    b->connect_timeout_s = DEFAULT_CONNECT_TIMEOUT_S;
    ret->broker_count++;
    return 0;
}

static char *copy_or_null(const char *text)
{
    return text ? must_strdup(text) : NULL;
}

static void copy_named(const struct node_broker *from, struct settings_broker *to)
{
    to->name = must_strdup(from->name);
    to->password_file = copy_or_null(from->password_file);
    to->protocol = (enum mqtt_protocol)from->protocol;
    to->keep_alive_s = (uint16_t)from->keep_alive_s;
    to->connect_timeout_s = from->connect_timeout_s;
    to->ca_file = copy_or_null(from->ca_file);
    to->cert_file = copy_or_null(from->cert_file);
    to->key_file = copy_or_null(from->key_file);
    to->server_name = copy_or_null(from->server_name);
    if (!from->username)
        return;
    to->url.has_username = true;
    snprintf(to->url.username, sizeof to->url.username, "%s", from->username);
}

static int add_named(const struct node_config *config, const struct node_broker *from, struct settings *ret,
                     struct diag *diag)
{
    struct diag why = {0};
    struct settings_broker *b = &ret->brokers[ret->broker_count++];
    if (mqtt_url_parse(from->url, &b->url, &why) < 0) {
        diag_set(diag, config->file, from->line, from->column, "%s", why.text);
        return EX_DATAERR;
    }
    if (from->username && strlen(from->username) > MQTT_CREDENTIAL_MAX) {
        diag_set(diag, config->file, from->line, from->column,
                 "the username of broker '%s' is too long: at most %d bytes are allowed", from->name,
                 MQTT_CREDENTIAL_MAX);
        return EX_DATAERR;
    }
    copy_named(from, b);
    return 0;
}

/* ---- all of them ---- */

static int add_chosen(struct choice choice, const struct node_config *config, struct settings *ret,
                      struct diag *diag)
{
    if (!choice.text) {
        diag_set(diag, choice.source, 0, 0, "several brokers, and none is chosen: add 'broker: NAME'");
        return choice.exit_code;
    }
    if (strstr(choice.text, "://"))
        return add_url(choice, ret, diag);
    const struct node_broker *named = config ? node_config_broker(config, choice.text) : NULL;
    if (named)
        return add_named(config, named, ret, diag);
    diag_set(diag, NULL, 0, 0, "%s: '%s' is no URL (mqtt://host) and no broker of hark.yaml%s", choice.source,
             choice.text, config ? "" : ", which was not read: give --config FILE");
    return choice.exit_code;
}

/* The others keep their names, but for one that is called as the chosen one is. */
static int add_others(const struct node_config *config, struct settings *ret, struct diag *diag)
{
    int code = 0;
    for (size_t i = 0; config && i < config->broker_count && code == 0; i++) {
        const struct node_broker *b = &config->brokers[i];
        if (strcmp(b->name, ret->brokers[0].name) != 0)
            code = add_named(config, b, ret, diag);
    }
    return code;
}

static int take_ca_file(const struct options *o, struct settings_broker *chosen, struct diag *diag)
{
    if (!o->ca_file)
        return 0;
    if (!chosen->url.is_tls) {
        bool web = chosen->url.is_web;
        diag_set(diag, NULL, 0, 0, "--ca-file: the broker's URL is %s, without TLS: write %s",
                 web ? "ws://" : "mqtt://", web ? "wss://" : "mqtts://");
        return EX_USAGE;
    }
    free(chosen->ca_file);
    chosen->ca_file = must_strdup(o->ca_file);
    return 0;
}

int settings_resolve_brokers(const struct options *o, const struct surroundings *s,
                             const struct node_config *config, struct settings *ret, struct diag *diag)
{
    size_t most = 1 + (config ? config->broker_count : 0);
    ret->brokers = must_alloc(most * sizeof *ret->brokers);
    int code = add_chosen(choose(o, s, config), config, ret, diag);
    if (code == 0)
        code = add_others(config, ret, diag);
    if (code == 0)
        code = take_ca_file(o, &ret->brokers[0], diag);
    return code;
}

void settings_describe_broker(const struct settings_broker *from, struct broker_options *to)
{
    *to = (struct broker_options){.name = from->name,
                                  .url = from->url,
                                  .protocol = from->protocol,
                                  .keep_alive_s = from->keep_alive_s,
                                  .connect_timeout_s = from->connect_timeout_s,
                                  .ca_file = from->ca_file,
                                  .cert_file = from->cert_file,
                                  .key_file = from->key_file,
                                  .server_name = from->server_name};
}

void settings_finish_brokers(struct settings *s)
{
    for (size_t i = 0; i < s->broker_count; i++) {
        struct settings_broker *b = &s->brokers[i];
        free(b->name);
        free(b->password_file);
        free(b->ca_file);
        free(b->cert_file);
        free(b->key_file);
        free(b->server_name);
        explicit_bzero(b, sizeof *b);
    }
    free(s->brokers);
}

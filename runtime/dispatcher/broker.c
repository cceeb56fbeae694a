#include "dispatcher/broker.h"

#include "manifest/node_config.h"
#include "manifest/suggest.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

ssize_t broker_find(const struct manifest *m, const char *(*name)(const void *list, size_t i),
                    const void *list, size_t count, struct diag *diag)
{
    if (!m->broker || strcmp(m->broker, NODE_DEFAULT_BROKER) == 0)
        return 0;
    struct suggest s = suggest_start(slice_of(m->broker));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name(list, i), m->broker) == 0)
            return (ssize_t)i;
        suggest_consider(&s, name(list, i));
    }
    if (s.best)
        diag_set(diag, m->file, m->broker_line, m->broker_column,
                 "broker: this node has no broker '%s': did you mean '%s'?", m->broker, s.best);
    else
        diag_set(diag, m->file, m->broker_line, m->broker_column,
                 "broker: this node has no broker '%s': add it to brokers in hark.yaml", m->broker);
    return -1;
}

static void on_complaint(void *user, const struct diag *diag)
{
    const struct broker *b = user;
    char line[DIAG_FORMATTED_MAX];
    log_error("broker %s: %s; the certificates and the key read before stay in use", b->url_text,
              diag_format(diag, line, sizeof line));
}

static int load_tls(struct broker *b, const struct broker_options *options, struct diag *diag)
{
    const struct tls_options tls = {.ca_file = options->ca_file,
                                    .cert_file = options->cert_file,
                                    .key_file = options->key_file,
                                    .server_name = options->server_name,
                                    .complain = on_complaint,
                                    .user = b};
    int error = 0;
    if (options->url.is_tls)
        b->tls = tls_context_create(&tls, &error, diag);
    return error;
}

struct broker *broker_create(const struct broker_options *options, int *ret_error, struct diag *diag)
{
    struct broker *b = must_alloc(sizeof *b);
    *b = (struct broker){.name = must_strdup(options->name),
                         .url = options->url,
                         .protocol = options->protocol,
                         .keep_alive_s = options->keep_alive_s,
                         .connect_timeout_s = options->connect_timeout_s};
    mqtt_url_format(&b->url, b->url_text, sizeof b->url_text);
    *ret_error = load_tls(b, options, diag);
    if (*ret_error == 0)
        return b;
    broker_destroy(b);
    return NULL;
}

int broker_exit_code(int error)
{
    if (error == -EACCES || error == -EPERM)
        return EX_NOPERM;
    return error == -ENOMEM || error == -ELIBACC ? EX_SOFTWARE : EX_DATAERR;
}

void broker_destroy(struct broker *b)
{
    if (!b)
        return;
    tls_context_drop(b->tls);
    free(b->name);
    explicit_bzero(b, sizeof *b);
    free(b);
}

void broker_fill(const struct broker *b, struct mqtt_client_options *ret_options)
{
    ret_options->broker = b->url;
    ret_options->tls = b->tls;
    ret_options->address_timeout_ns = b->connect_timeout_s * NS_PER_S;
    ret_options->session.protocol = b->protocol;
    ret_options->session.keep_alive_s = b->keep_alive_s;
    ret_options->session.connect_timeout_s = b->connect_timeout_s;
}

void broker_teach(const struct broker *b, struct mqtt_client *client, bool spoke_5)
{
    if (b->belief != MQTT_KNOWS_NOTHING)
        mqtt_client_believe(client, b->belief);
    else if (spoke_5)
        mqtt_client_believe(client, MQTT_SPEAKS_5);
}

/* What 3.1.1 cannot do is missed later, at places that do not look like it. */
static void say_3_1_1(struct broker *b)
{
    if (!b->said_3_1_1)
        log_warn("broker %s: speaks MQTT 3.1.1, not 5: no user properties, so no counted hops and bare dead "
                 "letters; no replies, no message expiry, no session expiry",
                 b->url_text);
    b->said_3_1_1 = true;
}

/* One that took 3.1.1 in a bad moment says nothing against those that speak 5. */
static void learn_online(struct broker *b, const struct mqtt_client *client)
{
    enum mqtt_belief found = mqtt_client_belief(client);
    if (found != MQTT_TOOK_3_1_1 || b->belief != MQTT_SPEAKS_5)
        b->belief = found;
    if (b->belief == MQTT_SPEAKS_5)
        b->said_3_1_1 = false;
    else if (b->protocol == MQTT_AUTO)
        say_3_1_1(b);
}

void broker_learn(struct broker *b, struct mqtt_client *client)
{
    enum mqtt_state state = mqtt_client_state(client);
    if (state == MQTT_ONLINE)
        learn_online(b, client);
    else if (state == MQTT_OFFLINE && b->belief == MQTT_SPEAKS_5 &&
             mqtt_client_belief(client) != MQTT_REFUSED_5)
        mqtt_client_believe(client, MQTT_SPEAKS_5);
}

void broker_say_online(struct broker *b)
{
    if (b->trouble[0])
        log_info("broker %s: connected", b->url_text);
    b->trouble[0] = '\0';
}

void broker_say_offline(struct broker *b, const char *text, uint64_t retry_ns)
{
    if (strcmp(text, b->trouble) == 0)
        return;
    snprintf(b->trouble, sizeof b->trouble, "%s", text);
    log_warn("broker %s: %s; next try in %llu ms", b->url_text, text,
             (unsigned long long)(retry_ns / NS_PER_MS));
}

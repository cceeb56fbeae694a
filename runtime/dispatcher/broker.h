/* broker.h: a broker of the node: where it is, who we are there, and what functions share of it.
 *
 * In the dispatcher, on the loop thread. */
#ifndef HARK_DISPATCHER_BROKER_H
#define HARK_DISPATCHER_BROKER_H

#include "manifest/manifest.h"
#include "mqtt/client.h"

#include <sys/types.h>

enum { BROKER_URL_MAX = 4096 };

/* Strings are copied. */
struct broker_options {
    const char *name;
    struct mqtt_url url; /* credentials included; the caller wipes its own copy */
    enum mqtt_protocol protocol;
    uint16_t keep_alive_s;
    uint32_t connect_timeout_s;                               /* of each step; 0: the client's own */
    const char *ca_file, *cert_file, *key_file, *server_name; /* as in struct tls_options */
};

struct presence;

struct broker {
    char *name;
    char url_text[BROKER_URL_MAX]; /* without the password; names it for people and in the state folder */
    struct mqtt_url url;
    struct tls_context *tls; /* NULL: plain */
    enum mqtt_protocol protocol;
    uint16_t keep_alive_s;
    uint32_t connect_timeout_s;
    enum mqtt_belief belief; /* what its connections found out */
    bool said_3_1_1;
    char trouble[512];         /* what was last said about it; "" when all is well */
    struct presence *presence; /* NULL: no function is there */
};

/* Which of `count` brokers the manifest means; the first is what it calls `default`. name(list, i): of a
 * broker. -1 and *diag with the manifest's place: none of them. */
__attribute__((warn_unused_result)) ssize_t broker_find(const struct manifest *m,
                                                        const char *(*name)(const void *list, size_t i),
                                                        const void *list, size_t count, struct diag *diag);

/* NULL and *diag when its TLS files, or this installation's TLS, are no good; *ret_error as
 * tls_context_create. */
struct broker *broker_create(const struct broker_options *options, int *ret_error, struct diag *diag);
int broker_exit_code(int error);       /* of a program that ends with that error of broker_create */
void broker_destroy(struct broker *b); /* no client of it is left; wipes the password; NULL is fine */

/* The fields of *ret_options that are the broker's; the others stay as they are. */
void broker_fill(const struct broker *b, struct mqtt_client_options *ret_options);

/* What is known of the broker's versions goes to each new client of it. spoke_5: an earlier hark found that
 * it speaks 5; what this one found counts more. */
void broker_teach(const struct broker *b, struct mqtt_client *client, bool spoke_5);
/* The client's state has changed: what it found out is everybody's; what somebody else did is its own. */
void broker_learn(struct broker *b, struct mqtt_client *client);

/* Its connections share its fate: trouble is said once, not once a function, and its end too. */
void broker_say_online(struct broker *b);
void broker_say_offline(struct broker *b, const char *text, uint64_t retry_ns);

#endif

/* mosquitto_broker.h: a private mosquitto on a loopback port, that can go and come back. */
#ifndef TESTS_SUPPORT_MOSQUITTO_BROKER_H
#define TESTS_SUPPORT_MOSQUITTO_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct broker_options {
    const char *username, *password; /* NULL: everybody may come in */
    const char *acl;                 /* the text of its acl_file; NULL: everything is allowed */
    bool keeps_sessions;             /* persistence: sessions outlive a restart after broker_stop */
    unsigned max_inflight;           /* 0: mosquitto's own 20 */
    /* A second listener, with TLS: PEM files. NULL: none. */
    const char *certificate, *key;
    bool has_web;          /* a listener for WebSocket; with a certificate one more, behind TLS */
    const char *client_ca; /* it wants certificates of its clients, signed by these; NULL: it does not */
};

struct broker;

/* Up and listening when they return. */
struct broker *broker_start(void);
struct broker *broker_start_with(const struct broker_options *o);

/* Not up yet, but its port and its configuration are settled. */
struct broker *broker_plan(const struct broker_options *o);
void broker_up(struct broker *b); /* also again, after broker_stop or broker_kill: the same port */

void broker_stop(struct broker *b); /* SIGTERM, waited for: what it keeps is written */
void broker_kill(struct broker *b); /* SIGKILL */

pid_t broker_pid(const struct broker *b); /* of one that is up */
uint16_t broker_port(const struct broker *b);
const char *broker_url(const struct broker *b); /* mqtt://127.0.0.1:port; borrowed */
uint16_t broker_tls_port(const struct broker *b);
uint16_t broker_web_port(const struct broker *b);
uint16_t broker_web_tls_port(const struct broker *b);

/* All that it has said since it was started for the last time, with times: lines_write. */
void broker_write_log(struct broker *b, FILE *to, uint64_t zero_ns);

/* Waits for a line of mosquitto's log. */
void broker_wait_line(struct broker *b, const char *pattern);

/* Does it say that `times` times, from its start until the deadline? Waits only as long as it has to. */
bool broker_says_again(struct broker *b, const char *pattern, size_t times, int within_ms);

#endif

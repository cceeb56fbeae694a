/* node_config.h: hark.yaml, the settings of a node: its name, its brokers, its folders. Pure but for
 * credential files.
 *
 *     node: gateway-7
 *     state: /var/lib/hark
 *     manifests: /etc/hark/functions
 *     functions: /usr/lib/hark
 *     dead_letters: { max: 10000, size: 64MiB }
 *     broker: site                  # which of `brokers`, or a URL
 *     brokers:
 *       site: { url: "mqtt://10.0.0.2", username: gw7, password_file: site.password, keep_alive: 60s }
 *       lab: { url: "mqtt://localhost:2883", protocol: "3.1.1" }
 *       cloud: { url: "mqtts://mqtt.example.com", cert_file: gw7.crt, key_file: gw7.key }
 */
#ifndef HARK_MANIFEST_NODE_CONFIG_H
#define HARK_MANIFEST_NODE_CONFIG_H

#include "shared/diag.h"
#include "shared/slice.h"

#include <stdint.h>

enum { NODE_BROKERS_MAX = 16 };

/* What a manifest calls the broker that the node has chosen, whatever its name in `brokers`. */
#define NODE_DEFAULT_BROKER "default"

struct node_broker {
    char *name;
    char *url;      /* as written; parsed by mqtt_url_parse where it is used, checked here for its scheme */
    char *username; /* NULL: as in the URL */
    char *password_file;        /* NULL: none. Relative to hark.yaml's folder: stored resolved */
    unsigned protocol;          /* 0 auto, 4, 5: enum mqtt_protocol */
    uint32_t keep_alive_s;      /* 60; 0 (off), or 5 s .. 65535 s */
    uint32_t connect_timeout_s; /* 20; 1 s .. 10 min */
    /* Only with TLS. NULL: not given; cert_file and key_file both or none. Paths as password_file. */
    char *ca_file, *cert_file, *key_file, *server_name;
    unsigned line, column; /* of the url, for later complaints */
};

struct node_config {
    char *node;  /* NULL: not given. [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
    char *state; /* folders: NULL when not given; relative ones resolved against hark.yaml's folder */
    char *manifests;
    char *functions;
    char *broker;              /* NULL: not given */
    uint32_t dead_letters_max; /* that are kept in the state folder; 0: none */
    uint64_t dead_letters_bytes;
    struct node_broker *brokers;
    size_t broker_count;
    char *file;
};

/* As manifest_parse. */
__attribute__((warn_unused_result)) int node_config_parse(const char *file, struct slice text,
                                                          struct node_config **ret_config,
                                                          struct diags *diags);
void node_config_free(struct node_config *config);

/* The broker of that name, or NULL. */
const struct node_broker *node_config_broker(const struct node_config *config, const char *name);

/* Reads a credential file: its first line, without the line end, 1..1024 bytes. A file that others than its
 * owner (or its group) can read is refused. 0 and *ret_secret (caller frees after explicit_bzero), or a
 * negative errno and *diag. */
__attribute__((warn_unused_result)) int node_config_read_secret(const char *path, char **ret_secret,
                                                                struct diag *diag);

#endif

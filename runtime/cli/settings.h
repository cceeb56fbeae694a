/* settings.h: what a node runs with: flags win over the environment over hark.yaml over defaults.
 *
 * settings_resolve is pure; what it needs of the world is in its arguments. */
#ifndef HARK_CLI_SETTINGS_H
#define HARK_CLI_SETTINGS_H

#include "cli/options.h"
#include "dispatcher/broker.h"
#include "manifest/node_config.h"
#include "mqtt/mqtt.h"
#include "mqtt/url.h"

enum { NODE_NAME_MAX = 63 };

/* What the world says. Borrowed; NULL: not set. */
struct surroundings {
    const char *broker;     /* HARK_BROKER */
    const char *state_home; /* XDG_STATE_HOME */
    const char *home;       /* HOME */
    const char *host;       /* gethostname(2) */
    bool is_root;
};

/* Strings are owned. */
struct settings_broker {
    char *name;
    struct mqtt_url url;
    char *password_file; /* still to be read into url.password; NULL: none */
    enum mqtt_protocol protocol;
    uint16_t keep_alive_s;
    uint32_t connect_timeout_s;
    char *ca_file, *cert_file, *key_file, *server_name; /* NULL: none */
};

struct settings {
    char *manifests;
    char *functions; /* NULL: none */
    char *state;
    uint32_t dead_letters_max;
    uint64_t dead_letters_bytes;
    char node[NODE_NAME_MAX + 1];
    struct settings_broker *brokers; /* first the chosen one, then the others of hark.yaml */
    size_t broker_count;
    bool one_for_all; /* hark dev: the first is whatever broker a manifest names; settings_resolve: false */
};

/* config: NULL: none. 0 and *ret_settings, or the exit code and *diag: 64: a flag or the environment is
 * wrong, 65: hark.yaml is. */
__attribute__((warn_unused_result)) int settings_resolve(const struct options *o,
                                                         const struct surroundings *s,
                                                         const struct node_config *config,
                                                         struct settings *ret_settings, struct diag *diag);

/* The same with the world's own surroundings and hark.yaml: --config, else /etc/hark/hark.yaml where it
 * exists and no folder was given. Reads the password files. Wipes HARK_BROKER and the password in --broker
 * from this process's environment and arguments, where others can see them. On failure everything has been
 * logged. */
__attribute__((warn_unused_result)) int settings_load(struct options *o, struct settings *ret_settings);

/* Reads and checks a hark.yaml. 0 and *ret_config, or the exit code; all that is wrong has been logged. */
__attribute__((warn_unused_result)) int settings_load_config(const char *path,
                                                             struct node_config **ret_config);

/* The folders of manifests and handlers alone; as settings_resolve. */
__attribute__((warn_unused_result)) int settings_resolve_folders(const struct options *o,
                                                                 const struct node_config *config,
                                                                 struct settings *ret, struct diag *diag);

void settings_finish(struct settings *s); /* wipes the passwords */

/* ---- settings_broker.c ---- */

/* The brokers alone; as settings_resolve. */
__attribute__((warn_unused_result)) int settings_resolve_brokers(const struct options *o,
                                                                 const struct surroundings *s,
                                                                 const struct node_config *config,
                                                                 struct settings *ret, struct diag *diag);
/* For broker_create; strings and credentials borrowed: wipe the copy of the URL. */
void settings_describe_broker(const struct settings_broker *from, struct broker_options *to);
void settings_finish_brokers(struct settings *s);

/* The host's name as a node's name: letters that a client id should not have become '-'. */
void settings_node_from_host(const char *host, char node[NODE_NAME_MAX + 1]);

/* $XDG_STATE_HOME/hark, ~/.local/state/hark, or for root /var/lib/hark. Caller frees. NULL: there is none. */
char *settings_default_state(const struct surroundings *s);

#endif

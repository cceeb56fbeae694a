/* settings.h: what a node runs with: flags win over the environment over hark.yaml over defaults.
 *
 * settings_resolve is pure; what it needs of the world is in its arguments. */
#ifndef HARK_CLI_SETTINGS_H
#define HARK_CLI_SETTINGS_H

#include "cli/options.h"
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
struct settings {
    char *manifests;
    char *functions; /* NULL: none */
    char *state;
    uint32_t dead_letters_max;
    uint64_t dead_letters_bytes;
    char node[NODE_NAME_MAX + 1];
    struct mqtt_url broker;
    char *password_file; /* still to be read into broker.password; NULL: none */
    enum mqtt_protocol protocol;
    uint16_t keep_alive_s;
};

/* config: NULL: none. 0 and *ret_settings, or the exit code and *diag: 64: a flag or the environment is
 * wrong, 65: hark.yaml is. */
__attribute__((warn_unused_result)) int settings_resolve(const struct options *o,
                                                         const struct surroundings *s,
                                                         const struct node_config *config,
                                                         struct settings *ret_settings, struct diag *diag);

/* The same with the world's own surroundings and hark.yaml: --config, else /etc/hark/hark.yaml where it
 * exists and no folder was given. Reads the password file. Wipes HARK_BROKER and the password in --broker
 * from this process's environment and arguments, where others can see them. On failure everything has been
 * logged. */
__attribute__((warn_unused_result)) int settings_load(struct options *o, struct settings *ret_settings);

void settings_finish(struct settings *s); /* wipes the password */

/* The host's name as a node's name: letters that a client id should not have become '-'. */
void settings_node_from_host(const char *host, char node[NODE_NAME_MAX + 1]);

/* $XDG_STATE_HOME/hark, ~/.local/state/hark, or for root /var/lib/hark. Caller frees. NULL: there is none. */
char *settings_default_state(const struct surroundings *s);

#endif

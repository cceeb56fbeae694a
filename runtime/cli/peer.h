/* peer.h: a command as a client of the broker: one connection of its own, with the settings of `hark run`.
 *
 * On the main thread, with a loop of its own. A first connection that fails ends it with exit code 69; a
 * later one is tried again, and said; unless the command has a word in that (`lost`). */
#ifndef HARK_CLI_PEER_H
#define HARK_CLI_PEER_H

#include "cli/options.h"
#include "cli/settings.h"
#include "dispatcher/broker.h"
#include "mqtt/client.h"

#include <signal.h>

struct peer;

struct peer_events {
    void (*online)(void *user, struct peer *p); /* also after each reconnect */
    void (*message)(void *user, const struct mqtt_message *message);
    void (*published)(void *user, void *token, unsigned reason);
    void (*subscribed)(void *user, struct peer *p, unsigned reason);
    void (*lost)(void *user, const char *text); /* a connection, or the first try; NULL: as above */
    void (*closing)(void *user); /* once: what the command has on the loop must be closed now */
};

struct peer {
    const struct peer_events *events;
    void *user;
    struct settings own;             /* what peer_open loaded */
    const struct settings *settings; /* that, or the caller's */
    struct broker *broker;
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    struct mqtt_io *io;
    struct mqtt_client *client;
    bool was_online, is_online, closing;
    int code; /* of the command */
};

/* role: the end of its client id, `record`. 0, or the exit code, logged; then nothing needs to be finished.
 */
__attribute__((warn_unused_result)) int peer_open(struct peer *p, struct options *o, const char *role,
                                                  const struct peer_events *events, void *user);
/* The same with settings that were loaded; borrowed until peer_run returns. */
__attribute__((warn_unused_result)) int peer_open_with(struct peer *p, const struct settings *settings,
                                                       const char *role, const struct peer_events *events,
                                                       void *user);
/* Runs the loop until peer_close, SIGINT or SIGTERM, then frees. Returns p->code. */
int peer_run(struct peer *p);
/* Acknowledges, disconnects, and ends peer_run. */
void peer_close(struct peer *p, int code);

#endif

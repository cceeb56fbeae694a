/* presence.h: is this node there, and is it the only one of its name? hark's own word about itself at the
 * broker.
 *
 * On the loop thread. Three topics, `hark/<node>/…`: `status` (retained, `online` or `offline`, the latter
 * also by a will), `owner` (retained: who is online), `knock` (is the owner alive?). First a visit under a
 * client id of its own: when the owner is another hark, one that answers, this one is told so and stays away.
 * Otherwise the node's own connection, `hark/<node>`, says `online` until it ends. After each loss of that
 * connection there is a visit again. So of two harks with one name one stays, and it is the one that was
 * there. Two names of one broker in hark.yaml have one presence: the second finds the first and rests. */
#ifndef HARK_DISPATCHER_PRESENCE_H
#define HARK_DISPATCHER_PRESENCE_H

#include "dispatcher/function.h"

struct presence;

struct presence_events {
    /* Once: nobody else is there, or it cannot be told (the broker is away, silent, or refuses). */
    void (*settled)(void *user);
    /* Once: another hark has this node's name at this broker, and is alive. Nothing is called after it. */
    void (*occupied)(void *user, const char *text);
};

/* There is or will be a function at that broker: starts the visit, unless that was done already. With the
 * node's events. Out of memory is logged; the next call tries again. */
void presence_want(struct node *node, struct broker *broker);

/* Asynchronous: says `offline` if it was online, frees itself, then on_closed. Without a presence on_closed
 * is called at once. */
void presence_close(struct broker *broker, void (*on_closed)(void *user), void *user);

#endif

/* outbox.h: what an invocation has put out, held back until it succeeds. Pure.
 *
 * The frames of the worker are kept as they came, after they were checked against the manifest: the worker
 * checks too, to tell the function, but the worker is not believed. Outputs and result mostly come with one
 * read, and then the outputs leave from where they were read: they are only lent to the box. */
#ifndef HARK_DISPATCHER_OUTBOX_H
#define HARK_DISPATCHER_OUTBOX_H

#include "manifest/manifest.h"
#include "mqtt/mqtt.h"
#include "shared/diag.h"
#include "shared/topic.h"
#include "shared/wire.h"

enum { OUTBOX_BYTES_MAX = 32 << 20 }; /* of all outputs of one invocation */

struct outbox {
    struct buffer frames; /* {header, body} as on the wire, PUBLISH and REPLY */
    struct slice lent;    /* what comes behind them, where it was read */
    uint32_t count;
};

/* What the outputs of one invocation may be. */
struct outbox_rules {
    const struct manifest *manifest;
    bool publish_anywhere;
    const struct topic_captures *captures; /* of the trigger */
    struct slice response_topic;           /* of the message; absent: a reply is not allowed */
};

/* Checks an output and keeps a copy. 0, or a negative errno and words in *diag: the worker is to be killed.
 */
__attribute__((warn_unused_result)) int outbox_add(struct outbox *box, const struct outbox_rules *rules,
                                                   const struct wire_header *header, struct slice body,
                                                   struct diag *diag);

/* As outbox_add, without a copy: the frame (its header lies before `body`) stays where it is until the box is
 * cleared or outbox_keep was called. */
__attribute__((warn_unused_result)) int outbox_lend(struct outbox *box, const struct outbox_rules *rules,
                                                    const struct wire_header *header, struct slice body,
                                                    struct diag *diag);
/* Copies what is lent. -ENOMEM: it is out of the box. */
__attribute__((warn_unused_result)) int outbox_keep(struct outbox *box, struct diag *diag);
size_t outbox_bytes(const struct outbox *box);

/* Walks over the outputs in order: *offset starts at 0. False at the end. *ret_publish is borrowed from the
 * box and from `request` (whose response topic, correlation data and QoS make a reply; it came from a
 * broker), and fit to be sent: `checked`; properties: caller's storage for WIRE_PROPERTIES_MAX items. User
 * properties whose names are hark's own (hops.h) are left out: a function that passes on what it got is not
 * to be refused for them. */
bool outbox_next(const struct outbox *box, size_t *offset, const struct mqtt_message *request,
                 struct mqtt_publish *ret_publish, struct property *properties);

void outbox_clear(struct outbox *box); /* empties it and frees its memory */

#endif

/* seal_policy.h: may functions run in the seal that the zygote reports, and what is there to say about it?
 *
 * Pure. A mandatory layer that is missing and that nobody waived stops every function: the seal fails closed.
 * What a layer is and whether it is mandatory, shared/layers.h says. */
#ifndef HARK_DISPATCHER_SEAL_POLICY_H
#define HARK_DISPATCHER_SEAL_POLICY_H

#include "shared/wire.h"

/* Is this layer a reason to run no function? */
bool seal_layer_is_fatal(const struct zygote_layers *z, enum layer layer);
bool seal_holds(const struct zygote_layers *z); /* no layer is */

const char *layer_status_name(enum layer_status status); /* "enforced", "degraded", "missing", "waived" */

/* Why a layer is degraded or missing, in words. Borrowed until the next call. */
const char *seal_reason(const struct zygote_layers *z, enum layer layer);

/* A layer in a line, `landlock is missing: Operation not supported; functions … ; …`: what, why, what that
 * means and what to do. Returns buffer. */
enum { SEAL_LINE_MAX = 512 };
const char *seal_describe(const struct zygote_layers *z, enum layer layer, char buffer[SEAL_LINE_MAX]);

#endif

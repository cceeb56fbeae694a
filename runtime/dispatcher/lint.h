/* lint.h: the topic graph of all manifests: who can trigger whom, and does it go round in a circle?
 *
 * Pure. An edge from A to B: both have the same `broker`, and something that A may publish (publishes,
 * dead_letter) can match a trigger of B. */
#ifndef HARK_DISPATCHER_LINT_H
#define HARK_DISPATCHER_LINT_H

#include "manifest/manifest.h"
#include "shared/diag.h"

/* Appends one complaint for each elementary knot (strongly connected component with an edge), naming one
 * cycle of it in full with its topics: `loop: a -> b (home/+/x) -> a (home/+/y); …what to do`, at the file of
 * its first function. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int lint_topic_graph(const struct manifest *const *manifests,
                                                         size_t count, struct diags *diags);

/* A shortest cycle through manifests[index]: `a -> b (home/+/x) -> a (home/+/y)`; NULL: there is none, or
 * no memory to find it. The caller frees. Looks only at functions that it can trigger: cheap where graphs are
 * sparse. */
char *lint_circle_through(const struct manifest *const *manifests, size_t count, size_t index);

#endif

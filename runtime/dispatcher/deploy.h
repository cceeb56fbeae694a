/* deploy.h: the folder: which manifests are there, what became of each, which functions they run as.
 *
 * On the loop thread. A scan looks at files' signatures; what changed and then stayed the same for two scans
 * is staged (stage.h). A good stage swaps the function's revision; a bad one is refused with its reasons, and
 * what runs keeps running. Two manifests with one function name: the one that runs stays, else the first by
 * name. */
#ifndef HARK_DISPATCHER_DEPLOY_H
#define HARK_DISPATCHER_DEPLOY_H

#include "dispatcher/function.h"

/* Is a file of this name a manifest: *.yaml, *.yml; not hidden, no test cases (*.test.yaml), not hark.yaml.
 */
bool deployer_is_manifest_name(const char *name);

struct deployer;

struct deployer_events {
    /* Once: the first scan is over, and every function of it is subscribed or refused. */
    void (*ready)(void *user, unsigned functions);
    /* After deployer_drain: all functions are gone; freed when this returns. */
    void (*drained)(void *user);
};

/* Strings are copied. The first scan starts in the next turn of the loop. NULL: out of memory. */
struct deployer *deployer_create(struct node *node, const char *manifests, const char *functions,
                                 const struct deployer_events *events, void *user);
/* Watches no more, drains every function. Again, with 0: ends at once. */
void deployer_drain(struct deployer *d, uint64_t grace_ns);

#endif

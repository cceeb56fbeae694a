/* probe.h: does a revision get ready in a worker? Runs the loop until that is known. */
#ifndef HARK_CLI_PROBE_H
#define HARK_CLI_PROBE_H

#include "cli/host.h"

enum probe_verdict {
    PROBE_READY,     /* it did, and was stopped */
    PROBE_REFUSED,   /* it did not: diag->text says why */
    PROBE_IMPOSSIBLE /* there was no worker to ask: diag->text says why */
};

enum probe_verdict probe(struct host *h, const struct revision *r, struct diag *diag);

#endif

/* channel_model.h: what the owner of a worker may expect of it, for the fuzz target channel.c: the owner's
 * end of every event, with a CHECK for each promise of worker.h. One worker at a time. */
#ifndef TESTS_FUZZ_CHANNEL_MODEL_H
#define TESTS_FUZZ_CHANNEL_MODEL_H

#include "dispatcher/outbox.h"
#include "dispatcher/worker.h"

enum { MODEL_CALLS_MAX = 96 };

struct model_call {
    struct call call;
    struct outbox box;
    uint64_t chain;
    bool may_skip; /* a call of its chain failed while this one was on its way */
    bool is_over;
};

struct model {
    struct worker *w; /* in use until `ended` */
    struct model_call calls[MODEL_CALLS_MAX];
    size_t sent, over; /* calls; those before `over` have their result */
    bool ready, killed, exiting, ended;
    uint8_t manner;       /* what the owner does from inside of callbacks, as bits */
    uint64_t opened_ns;   /* when it started */
    uint64_t log_cost;    /* of all lines so far, as the budget counts */
    uint64_t fingerprint; /* of all that happened */
};
extern struct model model;

void model_open(struct worker_io *io, uint8_t manner); /* starts the worker */
void model_call(uint8_t how);                          /* sends it a call if it can take one */
/* Is this result of this call what the dispatcher must take now? */
bool model_may_answer(uint64_t call, uint32_t result);
uint64_t model_close(void); /* the fingerprint */

#endif

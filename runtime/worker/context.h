/* context.h: what a function can call: the worker's side of struct hark_calls.
 *
 * In the worker, one thread. A context serves one function for the life of the process. Outputs go into the
 * channel's buffer; the limits that are checked here spare an honest function a surprise, the dispatcher
 * checks them again. */
#ifndef HARK_WORKER_CONTEXT_H
#define HARK_WORKER_CONTEXT_H

#include "hark/function.h"
#include "shared/wire.h"
#include "worker/channel.h"

struct context {
    struct hark_context ctx; /* first: the function's pointer is also one to the whole */
    struct channel *channel; /* borrowed */
    const struct wire_setup *setup;
    const struct wire_invoke *invoke; /* of the call in progress */
    uint64_t call;                    /* its id; 0: the function is not in handle() */
    uint64_t start_ns;                /* when it was entered */
    uint32_t outputs;                 /* so far in this call */
    bool refused;                     /* a publish of this call was refused, and said so in the log */
    bool strange;                     /* handle() returned a value that is none, and that was said */
    bool logged;                      /* a log line lies in the channel's buffer, behind channel->undo */
};

void context_init(struct context *c, struct channel *channel, const struct wire_setup *setup);

/* Around each handle(). What `invoke` borrows must live until context_leave. */
void context_enter(struct context *c, uint64_t call, const struct wire_invoke *invoke, uint64_t now_ns);

/* `keep` false takes back what the call put out, as far as it is not sent yet (what is, the dispatcher
 * drops). */
void context_leave(struct context *c, bool keep);

/* A line into hark's log on the function's behalf. */
__attribute__((format(printf, 3, 4))) void context_log(struct context *c, int level, const char *format, ...);

#endif

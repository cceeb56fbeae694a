#include "dispatcher/worker_internal.h"

#include "shared/clock.h"

#include <errno.h>

static size_t body_max(const struct worker *w)
{
    return w->revision->manifest->limit_payload_bytes + WIRE_OVERHEAD_MAX;
}

static int broken(struct worker *w, const char *what)
{
    worker_blame(w, WORKER_BROKEN, "%s", what);
    return -EBADMSG;
}

/* What of the chain is on its way already is not run: the worker says so with SKIPPED. */
static void let_skip(struct worker *w, uint64_t chain)
{
    struct call *call;
    TAILQ_FOREACH (call, &w->calls, link) {
        call->may_skip |= chain && call->chain == chain;
    }
}

static int take_result(struct worker *w, struct call *call, struct slice body, uint64_t now_ns)
{
    enum wire_result result;
    if (wire_get_result(body, &result))
        return broken(w, "it sent a result that is none");
    if (result == WIRE_RESULT_SKIPPED && !call->may_skip)
        return broken(w, "it skipped a call that it had to run");
    TAILQ_REMOVE(&w->calls, call, link);
    w->lent = false;
    if (result == WIRE_RESULT_RETRY || result == WIRE_RESULT_REJECT)
        let_skip(w, call->chain);
    w->load--;
    w->completed++;
    w->head_since_ns = now_ns;
    worker_on(w, w->load ? WE_RESULT : WE_LAST_RESULT);
    w->events->result(w->user, w, call, result);
    return 0;
}

static int take_output(struct worker *w, struct call *call, const struct wire_header *header,
                       struct slice body)
{
    struct diag diag; /* not all of it is cleared: it is long, and there is one for each output */
    diag.text[0] = '\0';
    w->lent = true;
    if (w->events->output(w->user, w, call, header, body, &diag))
        return broken(w, diag.text[0] ? diag.text : "it sent an output that is not allowed");
    return 0;
}

static int take_call_frame(struct worker *w, const struct wire_header *header, struct slice body,
                           uint64_t now_ns)
{
    struct call *call = TAILQ_FIRST(&w->calls);
    if (w->state != WS_BUSY && w->state != WS_DRAINING)
        return w->state == WS_KILLING || w->state == WS_GONE
                   ? 0
                   : broken(w, "it answered a call that nobody made");
    if (!call || header->call != call->id)
        return broken(w, "it answered a call out of turn");
    if (header->type == WIRE_RESULT)
        return take_result(w, call, body, now_ns);
    return take_output(w, call, header, body);
}

static int take_log(struct worker *w, struct slice body)
{
    uint32_t level;
    struct slice text;
    if (wire_get_log(body, &level, &text))
        return broken(w, "it sent a log line that is none");
    worker_say(w, (int)level, text);
    return 0;
}

static int take_failed(struct worker *w, struct slice body)
{
    struct slice reason;
    if (wire_get_failed(body, &reason))
        return broken(w, "it sent a reason that is none");
    bool says_why = reason.len && reason.data[0] != '\0';
    worker_blame(w, WORKER_FAILED, "%.*s", SLICE_ARG(says_why ? reason : slice_of("it did not say why")));
    return 0;
}

static int take_ready(struct worker *w)
{
    if (w->owes_ready) {
        w->owes_ready = false;
        return 0;
    }
    if (w->has_cause)
        return -EBADMSG; /* it has said that it failed: that stays its end */
    if (w->state != WS_STARTING && w->state != WS_KILLING)
        return broken(w, "it said READY twice");
    worker_on(w, w->load ? WE_READY_TO_RUN : WE_READY);
    return 0;
}

static int take_frame(struct worker *w, const struct wire_header *header, struct slice body, uint64_t now_ns)
{
    switch (header->type) {
    case WIRE_READY:
        return take_ready(w);
    case WIRE_FAILED:
        return w->state == WS_STARTING ? take_failed(w, body)
                                       : broken(w, "it failed to start after it had started");
    case WIRE_PUBLISH:
    case WIRE_REPLY:
    case WIRE_RESULT:
        return take_call_frame(w, header, body, now_ns);
    case WIRE_LOG:
        return take_log(w, body);
    case WIRE_STOPPED:
        return w->state == WS_STOPPING || w->state == WS_KILLING
                   ? 0
                   : broken(w, "it stopped without being asked to");
    default:
        return broken(w, "it sent a frame of the dispatcher's");
    }
}

static size_t take_all(struct worker *w, const uint8_t *data, size_t len, uint64_t now_ns)
{
    size_t used = 0;
    struct wire_header header;
    struct slice body;
    while (w->state != WS_KILLING) {
        int got = wire_next(data + used, len - used, body_max(w), &header, &body);
        if (got == 0)
            return used;
        if (got < 0)
            broken(w, "it sent bytes that are no frame");
        if (got < 0 || take_frame(w, &header, body, now_ns) < 0) {
            worker_on(w, WE_BROKEN);
            return SIZE_MAX;
        }
        used += WIRE_HEADER_BYTES + header.length;
    }
    return len; /* it is being killed: nothing it says counts any more */
}

/* The bytes that were read go: the oldest call may have outputs among them. */
static int keep_lent(struct worker *w)
{
    struct diag diag;
    bool lent = w->lent && w->events->keep;
    w->lent = false;
    if (lent && w->events->keep(w->user, w, TAILQ_FIRST(&w->calls), &diag))
        return broken(w, diag.text);
    return 0;
}

size_t frames_take(struct worker *w, const uint8_t *data, size_t len)
{
    uint64_t now_ns = clock_now_ns(), since_ns = w->head_since_ns, completed = w->completed;
    size_t used = take_all(w, data, len, now_ns);
    if (w->completed > completed)
        call_window_learn(&w->window, now_ns - since_ns, w->completed - completed);
    if (keep_lent(w) && w->state != WS_KILLING) {
        worker_on(w, WE_BROKEN);
        return SIZE_MAX;
    }
    return used;
}

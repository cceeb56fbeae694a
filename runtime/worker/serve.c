#include "worker/serve.h"

#include "shared/check.h"
#include "shared/clock.h"
#include "shared/script.h"
#include "worker/channel.h"
#include "worker/context.h"
#include "worker/loader.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    FRAME_BODY_MAX = 256 * 1024 * 1024 + WIRE_OVERHEAD_MAX, /* an MQTT packet has at most 256 MiB */
    FAILED_CHAINS_MAX = 256,
    ERRNO_MAX = 4096,
    HOLD_BACK_NS = 1000000 /* the longest that a result waits for company, while calls go on */
};

/* The last chains in which a call failed. The oldest is forgotten: by then its calls are long answered. */
struct failed_chains {
    uint64_t chains[FAILED_CHAINS_MAX];
    unsigned count; /* ever added */
};

/* What every worker writes to comes last, where the channel's first buffer begins: in as few pages as can be.
 */
struct server {
    struct property config[WIRE_CONFIG_MAX];
    struct slice publishes[WIRE_PUBLISHES_MAX];
    struct failed_chains failed;
    struct wire_setup setup;
    struct channel channel;
    struct context context;
    struct wire_recorder *recorder;
    const struct hark_function *function;
    const char *path;      /* of the .so, outside of the seal; NULL: it comes by a descriptor */
    uint64_t flush_due_ns; /* CLOCK_NEVER: no result is held back */
};

struct server *serve_open(int channel)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s || channel_init(&s->channel, channel) < 0)
        return NULL;
    s->flush_due_ns = CLOCK_NEVER;
    return s;
}

_Noreturn void serve_fail(struct server *s, const struct diag *why)
{
    wire_put_failed(&s->channel.out, slice_of(why->text));
    channel_flush(&s->channel);
    _exit(EXIT_FAILURE);
}

static _Noreturn void refuse_frame(const char *what)
{
    fprintf(stderr, "hark-worker: %s\n", what);
    _exit(EX_SOFTWARE);
}

void serve_warm_up(struct server *s)
{
    uint8_t *first = buffer_reserve(&s->channel.out, 1); /* is there: channel_init */
    *(volatile uint8_t *)first = 0;
}

int serve_await(struct server *s)
{
    int handler = channel_receive_first(&s->channel);
    if (handler < 0)
        refuse_frame("the dispatcher sent no function");
    return handler;
}

/* Takes the next frame out of the input. False: it is not whole yet, and *ret_wanted bytes make it so. */
static bool next_frame(struct server *s, struct wire_header *header, struct slice *body, size_t *ret_wanted)
{
    struct buffer *in = &s->channel.in;
    int got = wire_next(buffer_data(in), buffer_length(in), FRAME_BODY_MAX, header, body);
    if (got < 0)
        refuse_frame("the dispatcher sent what is no frame");
    if (got > 0)
        return true;
    *ret_wanted = WIRE_HEADER_BYTES;
    if (buffer_length(in) >= WIRE_HEADER_BYTES) {
        memcpy(header, buffer_data(in), sizeof *header);
        *ret_wanted += header->length;
    }
    return false;
}

static void consume_frame(struct server *s, const struct wire_header *header)
{
    buffer_consume(&s->channel.in, WIRE_HEADER_BYTES + header->length);
}

static void flush(struct server *s)
{
    channel_flush(&s->channel);
    s->flush_due_ns = CLOCK_NEVER;
}

static void await_setup(struct server *s)
{
    struct wire_header header;
    struct slice body;
    size_t wanted = 0;
    while (!next_frame(s, &header, &body, &wanted))
        channel_receive(&s->channel, wanted);
    char *kept = must_alloc(body.len); /* lives as long as the function */
    memcpy(kept, body.data, body.len);
    if (header.type != WIRE_SETUP ||
        wire_get_setup(slice_make(kept, body.len), &s->setup, s->config, s->publishes) < 0)
        refuse_frame("the dispatcher sent no setup");
    consume_frame(s, &header);
}

/* What ps and top show. Without printf(3), here and in what else each worker does: it costs page faults. */
static void take_name(struct slice function)
{
    char name[16] = "hark:";
    size_t used = strlen(name), room = sizeof name - 1 - used;
    memcpy(name + used, function.data, function.len < room ? function.len : room);
    (void)prctl(PR_SET_NAME, name);
}

/* Half a line too: the next call may be the last. fflush(3) writes to the page that the stream is in, which
 * most workers never need for themselves. */
static void flush_output(void)
{
    if (__fpending(stdout))
        fflush(stdout);
}

static void load(struct server *s, int handler)
{
    struct diag why;
    if (!s->recorder) {
        diag_set(&why, NULL, 0, 0, "the worker has no flight recorder");
        serve_fail(s, &why);
    }
    const char *name = s->setup.handler.data;
    int error = s->path ? loader_open(s->path, name, &s->function, &why)
                        : loader_load(handler, name, &s->function, &why);
    if (error < 0)
        serve_fail(s, &why);
    close(handler);
}

static void start(struct server *s)
{
    struct diag why;
    struct script script = {s->setup.handler.data, s->setup.script.data, s->setup.script.len, ""};
    context_init(&s->context, &s->channel, &s->setup);
    s->context.ctx.user = script.text ? &script : NULL;
    int returned = s->function->start ? s->function->start(&s->context.ctx) : 0;
    flush_output();
    if (returned && script.why[0]) {
        diag_set(&why, NULL, 0, 0, "%s", script.why);
        serve_fail(s, &why);
    }
    if (returned) {
        diag_set(&why, NULL, 0, 0, "start() of %s returned %d instead of 0: its log may say why",
                 s->setup.handler.data, returned);
        serve_fail(s, &why);
    }
    /* Not flushed: if a call is there already it leaves with the result, else before the next one is awaited.
     */
    wire_put_empty(&s->channel.out, WIRE_READY);
}

static bool chain_failed(const struct failed_chains *f, uint64_t chain)
{
    unsigned known = f->count < FAILED_CHAINS_MAX ? f->count : FAILED_CHAINS_MAX;
    for (unsigned i = 0; i < known; i++)
        if (f->chains[i] == chain)
            return true;
    return false;
}

static void fail_chain(struct failed_chains *f, uint64_t chain)
{
    if (chain)
        f->chains[f->count++ % FAILED_CHAINS_MAX] = chain;
}

static void to_message(struct hark_message *out, struct hark_property *properties,
                       const struct wire_message *m)
{
    for (uint32_t i = 0; i < m->property_count; i++)
        properties[i] = (struct hark_property){m->properties[i].key.data, m->properties[i].value.data};
    *out = (struct hark_message){
        .topic = m->topic.data,
        .payload = m->payload.data,
        .payload_len = m->payload.len,
        .qos = m->qos,
        .retained = m->retained,
        .content_type = m->content_type.data,
        .response_topic = m->response_topic.data,
        .correlation = m->correlation.data,
        .correlation_len = m->correlation.len,
        .properties = properties,
        .property_count = m->property_count,
        .expiry_s = m->expiry_s,
    };
}

/* start_ns before call: who sees the call sees its start. */
static void recorder_enter(struct wire_recorder *r, uint64_t call, uint64_t now_ns)
{
    atomic_store_explicit(&r->start_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&r->call, call, memory_order_release);
}

static void recorder_leave(struct wire_recorder *r)
{
    atomic_store_explicit(&r->call, 0, memory_order_release);
}

static enum wire_result to_result(struct context *c, int returned)
{
    if (returned == HARK_OK || returned == HARK_RETRY || returned == HARK_REJECT)
        return (enum wire_result)returned;
    if (returned < 0 && returned > -ERRNO_MAX)
        context_log(c, HARK_WARN, "handle() returned %d (%s): a retry", returned, strerror(-returned));
    else if (!c->strange) {
        c->strange = true;
        context_log(c, HARK_WARN,
                    "handle() returned %d, which is no enum hark_result: a retry, as each such value is from "
                    "now on; return HARK_OK (%d), HARK_RETRY (%d), HARK_REJECT (%d) or a negative errno",
                    returned, HARK_OK, HARK_RETRY, HARK_REJECT);
    }
    return WIRE_RESULT_RETRY;
}

static enum wire_result run(struct server *s, uint64_t call, const struct wire_invoke *invoke, uint64_t now)
{
    struct hark_property properties[WIRE_PROPERTIES_MAX];
    struct hark_message message;
    to_message(&message, properties, &invoke->message);
    context_enter(&s->context, call, invoke, now);
    recorder_enter(s->recorder, call, now);
    int returned = s->function->handle(&s->context.ctx, &message);
    flush_output();
    recorder_leave(s->recorder);
    enum wire_result result = to_result(&s->context, returned);
    context_leave(&s->context, result == WIRE_RESULT_OK);
    return result;
}

/* The output buffer may be full of what the function published, with no memory left for more: what is sent
 * makes room. */
static void put_result(struct server *s, uint64_t call, enum wire_result result)
{
    wire_put_result(&s->channel.out, call, result);
    if (!buffer_failed(&s->channel.out))
        return;
    s->channel.out.failed = false;
    flush(s);
    wire_put_result(&s->channel.out, call, result);
    CHECK(!buffer_failed(&s->channel.out));
}

/* The clock is read once a call. Before a call that may be slow, results that have waited long enough go. */
static void invoke(struct server *s, uint64_t call, struct slice body)
{
    struct wire_invoke invoke;
    struct property properties[WIRE_PROPERTIES_MAX];
    if (call == 0 || wire_get_invoke(body, &invoke, properties) < 0)
        refuse_frame("the dispatcher sent a malformed call");
    uint64_t now = clock_now_ns();
    if (now >= s->flush_due_ns)
        flush(s);
    enum wire_result result = WIRE_RESULT_SKIPPED;
    if (!invoke.chain || !chain_failed(&s->failed, invoke.chain)) {
        result = run(s, call, &invoke, now);
        if (result != WIRE_RESULT_OK)
            fail_chain(&s->failed, invoke.chain);
    }
    put_result(s, call, result);
    if (s->flush_due_ns == CLOCK_NEVER)
        s->flush_due_ns = now + HOLD_BACK_NS;
    if (buffer_length(&s->channel.out) > CHANNEL_BATCH_BYTES)
        flush(s);
}

static _Noreturn void stop(struct server *s)
{
    flush(s);
    if (s->function->stop)
        s->function->stop(&s->context.ctx);
    flush_output();
    wire_put_empty(&s->channel.out, WIRE_STOPPED);
    flush(s);
    if (s->path)
        exit(EXIT_SUCCESS); /* whoever looks for leaks does it now */
    _exit(EXIT_SUCCESS);
}

static void obey(struct server *s, const struct wire_header *header, struct slice body)
{
    if (header->type == WIRE_INVOKE)
        invoke(s, header->call, body);
    else if (header->type == WIRE_STOP && body.len == 0)
        stop(s);
    else
        refuse_frame("the dispatcher sent a frame that is not for a worker");
}

static _Noreturn void serve(struct server *s)
{
    struct wire_header header;
    struct slice body;
    for (size_t wanted = 0;;) {
        if (next_frame(s, &header, &body, &wanted)) {
            obey(s, &header, body);
            consume_frame(s, &header);
        } else {
            flush(s); /* the input is used up: whoever waits for a result shall have it now */
            channel_receive(&s->channel, wanted);
        }
    }
}

static _Noreturn void run_function(struct server *s, int handler, struct wire_recorder *recorder)
{
    s->recorder = recorder;
    await_setup(s);
    take_name(s->setup.function);
    load(s, handler);
    start(s);
    serve(s);
}

_Noreturn void serve_run(struct server *s, int handler, struct wire_recorder *recorder)
{
    run_function(s, handler, recorder);
}

_Noreturn void serve_file(struct server *s, const char *path, struct wire_recorder *recorder)
{
    s->path = path;
    run_function(s, serve_await(s), recorder);
}

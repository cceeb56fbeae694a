#include "channel_model.h"

#include "dispatcher/worker_internal.h"
#include "mqtt/packet.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    STOPS_WHEN_READY = 1,
    CALLS_WHEN_READY = 2,
    KILLS_AFTER_RESULT = 4,
    STOPS_AFTER_RESULT = 8,
    CALLS_AFTER_RESULT = 16,
    LOG_BYTES_PER_S = 16 * 1024
};

struct model model;

static struct manifest manifest;
static struct log_budget budget;
static struct revision revision;

static void remember(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        model.fingerprint = (model.fingerprint ^ bytes[i]) * 0x100000001b3;
}

static void remember_event(char what, uint64_t which)
{
    remember(&what, 1);
    remember(&which, sizeof which);
}

/* After SIGKILL was ordered, or when it has ended, nothing of the channel counts. */
static void it_must_be_alive(const struct worker *w)
{
    CHECK(w == model.w && !model.killed && !model.ended);
}

static struct outbox_rules rules(bool with_reply)
{
    static struct topic_captures none;
    return (struct outbox_rules){.manifest = &manifest,
                                 .captures = &none,
                                 .response_topic =
                                     with_reply ? slice_of("answer") : (struct slice){.data = NULL}};
}

void model_call(uint8_t how)
{
    if (model.ended || model.sent == MODEL_CALLS_MAX || !worker_can_take(model.w))
        return;
    struct model_call *c = &model.calls[model.sent++];
    struct wire_invoke invoke = {.chain = how % 3,
                                 .timeout_ns = manifest.timeout_ns,
                                 .attempt = 1,
                                 .message = {.topic = slice_of("in"), .payload = slice_of("x")}};
    c->chain = invoke.chain;
    worker_invoke(model.w, &c->call, &invoke, clock_now_ns());
    CHECK(c->call.id == model.sent);
}

bool model_may_answer(uint64_t call, uint32_t result)
{
    if (model.over == model.sent || call != model.over + 1)
        return false;
    return result < WIRE_RESULT_SKIPPED ||
           (result == WIRE_RESULT_SKIPPED && model.calls[model.over].may_skip);
}

static void on_ready(void *user, struct worker *w)
{
    CHECK(user == &model && !model.ready);
    it_must_be_alive(w);
    model.ready = true;
    remember_event('R', 0);
    if (model.manner & CALLS_WHEN_READY)
        model_call(1);
    if (model.manner & STOPS_WHEN_READY)
        worker_stop(w);
}

static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    CHECK(user == &model && model.ready);
    it_must_be_alive(w);
    CHECK(model.over < model.sent);
    struct model_call *c = &model.calls[model.over];
    CHECK(call == &c->call && header->call == call->id && header->length == body.len);
    CHECK(header->type == WIRE_PUBLISH || header->type == WIRE_REPLY);
    struct outbox_rules r = rules(c->chain != 0);
    uint32_t before = c->box.count;
    int error = outbox_lend(&c->box, &r, header, body, diag);
    CHECK(c->box.count == before + (error == 0) && c->box.count <= manifest.limit_publishes);
    CHECK(!error || diag->text[0]);
    remember_event('O', (uint64_t)-error);
    remember(body.data, body.len);
    return error;
}

static int on_keep(void *user, struct worker *w, struct call *call, struct diag *diag)
{
    CHECK(user == &model && w == model.w && call == &model.calls[model.over].call);
    return outbox_keep(&model.calls[model.over].box, diag);
}

/* What goes to the broker is what this call put out, and fit for it. */
static void release(struct model_call *c)
{
    struct mqtt_message request = {.response_topic = slice_of("answer")};
    struct property properties[WIRE_PROPERTIES_MAX];
    struct mqtt_publish publish;
    size_t offset = 0;
    uint32_t count = 0;
    while (outbox_next(&c->box, &offset, &request, &publish, properties)) {
        CHECK(topic_name_valid(publish.topic) && publish.payload.len <= manifest.limit_payload_bytes);
        CHECK(slice_equal(publish.topic, slice_of("answer")) ||
              slice_equal(publish.topic, slice_of("allowed")) || memcmp(publish.topic.data, "to/", 3) == 0);
        CHECK(publish.checked && packet_publish_check(&publish) == 0);
        remember(publish.payload.data, publish.payload.len);
        count++;
    }
    CHECK(count == c->box.count);
}

static void let_skip(uint64_t chain)
{
    for (size_t i = model.over; i < model.sent && chain; i++)
        model.calls[i].may_skip |= model.calls[i].chain == chain;
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    CHECK(user == &model && model.ready);
    it_must_be_alive(w);
    CHECK(model.over < model.sent);
    struct model_call *c = &model.calls[model.over++];
    CHECK(call == &c->call && !c->is_over && result <= WIRE_RESULT_SKIPPED);
    CHECK(result != WIRE_RESULT_SKIPPED || c->may_skip);
    c->is_over = true;
    remember_event('=', call->id * 4 + result);
    if (result == WIRE_RESULT_OK)
        release(c);
    else if (result != WIRE_RESULT_SKIPPED)
        let_skip(c->chain);
    outbox_clear(&c->box);
    if (model.manner & CALLS_AFTER_RESULT)
        model_call(2);
    if (model.manner & STOPS_AFTER_RESULT)
        worker_stop(w);
    if (model.manner & KILLS_AFTER_RESULT)
        worker_kill(w);
}

/* Lines at a rate: what it says of lines that it dropped is its own. */
static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    static const char dropped[] = "it logs more than limits.log";
    CHECK(user == &model && w == model.w && !model.ended);
    CHECK(level >= 0 && level <= 3 && text.len <= WIRE_LOG_TEXT_MAX);
    CHECK(level < 3 || !model.killed); /* only frames have that level, and they do not count any more */
    remember_event('L', (uint64_t)level);
    remember(text.data, text.len);
    if (text.len < sizeof dropped || memcmp(text.data, dropped, sizeof dropped - 1) != 0)
        model.log_cost += text.len + LOG_BUDGET_LINE_BYTES;
    uint64_t passed_ms = (clock_now_ns() - model.opened_ns) / NS_PER_MS;
    CHECK(model.log_cost <= LOG_BYTES_PER_S + LOG_BYTES_PER_S * (passed_ms + 1) / 1000);
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct call *call;
    CHECK(user == &model && w == model.w && model.exiting && !model.ended);
    CHECK(end->was_ready == model.ready && end->text[0] && strlen(end->text) < sizeof end->text);
    CHECK(end->cause != WORKER_BROKEN || model.killed);
    CHECK(log_budget_due_ns(&budget) == CLOCK_NEVER);
    bool guilty_is_left = !end->guilty;
    size_t left = model.over;
    TAILQ_FOREACH (call, &end->left, link) {
        CHECK(left < model.sent && call == &model.calls[left].call && !model.calls[left].is_over);
        guilty_is_left |= call == end->guilty;
        left++;
    }
    CHECK(left == model.sent && guilty_is_left);
    remember_event('E', (uint64_t)end->cause << 32 | (end->guilty ? end->guilty->id : 0));
    remember(end->text, strlen(end->text));
    model.ended = true;
}

static void set_stage(void)
{
    static char function[] = "f", handler[] = "f.so", path[] = "/nowhere/f.so";
    static char allowed[] = "allowed", to[] = "to/+", *publishes[] = {allowed, to};
    manifest = (struct manifest){.function = function,
                                 .handler = handler,
                                 .publishes = publishes,
                                 .publish_count = 2,
                                 .timeout_ns = NS_PER_S,
                                 .instances_max = 1,
                                 .retry_attempts = 1,
                                 .limit_payload_bytes = 1024,
                                 .limit_publishes = 4,
                                 .limit_threads = 1,
                                 .limit_log_bytes = LOG_BYTES_PER_S};
    if (!revision.references)
        revision = (struct revision){.references = 1,
                                     .manifest = &manifest,
                                     .handler_fd = memfd_create("handler", MFD_CLOEXEC),
                                     .handler_path = path,
                                     .log_budget = &budget,
                                     .cgroup_share = cgroup_share_create()};
    CHECK(revision.cgroup_share); /* kept, as the revision is, from input to input */
    budget = (struct log_budget){0};
}

void model_open(struct worker_io *io, uint8_t manner)
{
    static const struct worker_events events = {.ready = on_ready,
                                                .output = on_output,
                                                .keep = on_keep,
                                                .result = on_result,
                                                .log = on_log,
                                                .ended = on_ended};
    struct diag diag;
    set_stage();
    model = (struct model){.manner = manner, .opened_ns = clock_now_ns(), .fingerprint = 0xcbf29ce484222325};
    model.w = worker_start(io, &revision, &events, &model, &diag);
    CHECK(model.w);
}

uint64_t model_close(void)
{
    for (size_t i = 0; i < model.sent; i++)
        outbox_clear(&model.calls[i].box);
    return model.fingerprint;
}

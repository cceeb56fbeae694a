#include "cli/player.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A worker that dies between two messages is no fault of the next one, which gets another; but not for ever.
 */
enum { STARTS_MAX = 3, KIB = 1024 };

/* The kernel's high-water mark of resident memory, proc_pid_status(5). 0: the process is gone already. */
static uint64_t peak_bytes(int pid)
{
    char path[64], line[128];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmHWM: %llu", &kib) == 1)
            break;
    }
    if (file)
        fclose(file);
    return kib * KIB;
}

static void invoke(struct player *p)
{
    const struct play *play = p->now;
    const struct mqtt_message *m = play->message;
    const struct wire_invoke order = {.timeout_ns = p->revision->manifest->timeout_ns,
                                      .attempt = play->attempt,
                                      .captures = *play->captures,
                                      .message = {.topic = m->topic,
                                                  .payload = m->payload,
                                                  .content_type = m->content_type,
                                                  .response_topic = m->response_topic,
                                                  .correlation = m->correlation,
                                                  .properties = m->properties,
                                                  .property_count = m->property_count,
                                                  .expiry_s = m->has_expiry ? m->expiry_s : 0,
                                                  .qos = m->qos,
                                                  .retained = m->retained}};
    p->sent = true;
    p->sent_ns = clock_now_ns();
    worker_invoke(p->worker, &p->call, &order, p->sent_ns);
}

/* The owner may start the next play in `over`. */
static void finish(struct player *p, enum play_outcome outcome)
{
    struct play *play = p->now;
    p->now = NULL;
    p->has_result = false;
    play->outcome = outcome;
    p->events->over(p->user, play);
}

static void take_time(struct player *p)
{
    uint64_t now_ns = clock_now_ns();
    p->now->took_ns = now_ns - p->began_ns;
    p->now->ran_ns = p->sent ? now_ns - p->sent_ns : 0;
}

static void on_ready(void *user, struct worker *w)
{
    struct player *p = user;
    (void)w;
    if (p->now)
        invoke(p);
}

static int on_output(void *user, struct worker *w, struct call *call, const struct wire_header *header,
                     struct slice body, struct diag *diag)
{
    struct player *p = user;
    (void)w, (void)call;
    const struct outbox_rules rules = {.manifest = p->revision->manifest,
                                       .publish_anywhere = p->revision->publish_anywhere,
                                       .captures = p->now->captures,
                                       .response_topic = p->now->message->response_topic};
    return outbox_add(&p->now->outbox, &rules, header, body, diag);
}

static void weigh(struct player *p, const struct worker *w)
{
    p->now->peak_bytes = peak_bytes(worker_pid(w));
    finish(p, p->result);
}

static void on_result(void *user, struct worker *w, struct call *call, enum wire_result result)
{
    struct player *p = user;
    (void)call;
    take_time(p);
    p->result = result == WIRE_RESULT_OK ? PLAY_OK : result == WIRE_RESULT_REJECT ? PLAY_REJECT : PLAY_RETRY;
    p->has_result = true;
    if (worker_pid(w) != 0)
        weigh(p, w);
}

/* A worker can be quicker than the word of its birth. */
static void on_born(void *user, struct worker *w)
{
    struct player *p = user;
    if (p->now && p->has_result)
        weigh(p, w);
}

static void on_log(void *user, struct worker *w, int level, struct slice text)
{
    struct player *p = user;
    p->events->log(p->user, p->now, w, level, text);
}

static enum play_outcome outcome_of_end(const struct worker_end *end)
{
    if (end->cause == WORKER_NO_FORK || end->cause == WORKER_LOST)
        return PLAY_NO_WORKER;
    if (!end->was_ready)
        return PLAY_NOT_READY;
    return end->cause == WORKER_LATE ? PLAY_TIMEOUT : PLAY_CRASH;
}

static int start(struct player *p, struct diag *diag);

/* It ended before it began the message. */
static bool may_play_again(const struct player *p, const struct worker_end *end)
{
    bool is_innocent = !p->sent || (!end->guilty && end->cause == WORKER_CRASHED);
    return end->was_ready && is_innocent && p->starts < STARTS_MAX;
}

static void on_ended(void *user, struct worker *w, struct worker_end *end)
{
    struct player *p = user;
    struct diag diag;
    (void)w;
    p->worker = NULL;
    if (end->cause != WORKER_STOPPED && (!p->now || p->has_result || may_play_again(p, end)))
        p->events->lost(p->user, end->text);
    if (p->now && p->has_result) {
        finish(p, p->result);
        return;
    }
    if (!p->now || (may_play_again(p, end) && start(p, &diag) == 0))
        return;
    take_time(p);
    snprintf(p->now->text, sizeof p->now->text, "%s", end->text);
    p->now->said_nothing = !end->was_ready && end->cause == WORKER_CRASHED;
    finish(p, outcome_of_end(end));
}

static const struct worker_events events = {.born = on_born,
                                            .ready = on_ready,
                                            .output = on_output,
                                            .result = on_result,
                                            .log = on_log,
                                            .ended = on_ended};

static int start(struct player *p, struct diag *diag)
{
    p->starts++;
    p->sent = false;
    p->worker = worker_start(p->io, p->revision, &events, p, diag);
    return p->worker ? 0 : -ENOMEM;
}

void player_init(struct player *p, struct worker_io *io, const struct revision *revision,
                 const struct player_events *player_events, void *user)
{
    *p = (struct player){.io = io, .revision = revision, .events = player_events, .user = user};
}

int player_play(struct player *p, struct play *play, struct diag *diag)
{
    CHECK(!p->now);
    p->starts = 0;
    p->sent = false;
    p->began_ns = clock_now_ns();
    if (!p->worker && start(p, diag) < 0)
        return -ENOMEM;
    p->now = play;
    if (worker_can_take(p->worker))
        invoke(p);
    return 0;
}

void player_stop(struct player *p)
{
    CHECK(!p->now);
    if (p->worker)
        worker_stop(p->worker);
}

bool player_is_down(const struct player *p)
{
    return !p->worker;
}

void play_finish(struct play *play)
{
    outbox_clear(&play->outbox);
}

const char *play_outcome_name(enum play_outcome outcome)
{
    static const char *const names[] = {[PLAY_OK] = "ok",
                                        [PLAY_RETRY] = "retry",
                                        [PLAY_REJECT] = "reject",
                                        [PLAY_CRASH] = "crash",
                                        [PLAY_TIMEOUT] = "timeout",
                                        [PLAY_NOT_READY] = "not ready",
                                        [PLAY_NO_WORKER] = "no worker"};
    return names[outcome];
}

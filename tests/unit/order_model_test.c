/* Order, from the broker and back to it: the session, the queue with its lanes, and the rules by which
 * dispatch.c uses the two, against a broker in small (session_model.h), workers in small, and all that may
 * come between: retries, rejections, deaths, deploys with another `order`, cuts, lost acknowledgements.
 *
 * Whatever the order of things: a message begins when all that came before it under its key is over, its
 * outputs are handed over in that order (and session_model.c sees them arrive so), and each is finished once.
 */
#include "session_model.h"

#include "dispatcher/queue.h"

enum {
    RUNS = 12,
    STEPS = 1000000,
    DRAIN_STEPS = 20000,
    WORKERS = 6, /* places: those of the old version are in some of them */
    ACTIVE_MAX = 3,
    WINDOW = 8,
    BROKEN_MAX = 256,
    ATTEMPTS = 3
};

enum order { BY_TOPIC, BY_CAPTURE, ALL, NONE, ORDERS };

struct job {
    struct queue_item item;
    struct mqtt_message *message; /* NULL: the place is free */
    unsigned number, attempts, output;
    uint64_t rank; /* of arrival */
    bool ran;      /* for the last time, though the dispatcher may not have read it */
    bool ended;    /* its output waits for the broker, then for its release */
};

enum result { OK, RETRY, REJECT, SKIPPED };

struct worker {
    enum { FREE, ACTIVE, DRAINING } state;
    struct queue_owner owner;
    struct {
        struct job *job;
        uint64_t chain;
        enum result result; /* of the first `executed` */
    } calls[WINDOW];
    unsigned count, executed;
    uint64_t broken[BROKEN_MAX];
    unsigned broken_count;
};

struct house {
    struct model model;
    struct slabs slabs; /* the queue's lanes */
    struct queue queue;
    struct job jobs[MODEL_LENT_MAX];
    struct worker workers[WORKERS];
    enum order order, effective; /* of the active version; of what is in flight */
    bool rekey, may_fail;
    uint64_t last_rank;
    struct {
        unsigned ended, skipped, retried, given_up, deaths, deploys, reordered, cuts, dropped;
    } seen;
};

/* ---- order ---- */

static struct slice key_by(enum order order, unsigned number)
{
    static const char *const names[] = {"0", "1", "2", "3", "4"};
    switch (order) {
    case BY_TOPIC:
        return slice_of(names[number % 5]);
    case BY_CAPTURE:
        return slice_of(names[number % 3]);
    case ALL:
        return slice_of("all");
    default:
        return slice_make(NULL, 0);
    }
}

static bool comes_before(const struct house *h, const struct job *a, const struct job *b)
{
    struct slice key = key_by(h->effective, a->number);
    return a->message && a->rank < b->rank && key.data && slice_equal(key, key_by(h->effective, b->number));
}

static void check_order_of_running(const struct house *h, const struct job *job)
{
    for (size_t i = 0; i < MODEL_LENT_MAX; i++)
        if (comes_before(h, &h->jobs[i], job))
            assert_true(h->jobs[i].ran || h->jobs[i].ended);
}

static void check_order_of_ending(const struct house *h, const struct job *job)
{
    for (size_t i = 0; i < MODEL_LENT_MAX; i++)
        if (comes_before(h, &h->jobs[i], job))
            assert_true(h->jobs[i].ended);
}

/* ---- messages ---- */

static void on_message(void *user, struct mqtt_message *message)
{
    struct house *h = user;
    struct job *job = h->jobs;
    model_events.message(&h->model, message);
    while (job->message)
        job++;
    assert_true(job < h->jobs + MODEL_LENT_MAX);
    *job =
        (struct job){.message = message, .number = model_number_of(message->payload), .rank = ++h->last_rank};
    assert_int_equal(queue_push(&h->queue, &job->item, key_by(h->order, job->number), message->qos == 0), 0);
}

static void on_published(void *user, void *token, unsigned reason)
{
    model_events.published(&((struct house *)user)->model, token, reason);
}

static void on_online(void *user, bool resumed)
{
    (void)user;
    (void)resumed;
}

static const struct mqtt_session_events events = {
    .online = on_online, .message = on_message, .published = on_published};

static void give_back(struct house *h, struct job *job)
{
    model_user_releases(&h->model, job->message);
    job->message = NULL;
}

/* Its outputs, or its dead letter, go to the broker. */
static void end(struct house *h, struct job *job, bool ok)
{
    assert_false(job->ended);
    check_order_of_ending(h, job);
    queue_done(&h->queue, &job->item, ok);
    job->ended = true;
    job->output = model_user_publishes(&h->model);
    h->seen.ended++;
}

static void release_one(struct house *h)
{
    unsigned first = model_draw(&h->model, MODEL_LENT_MAX);
    for (unsigned i = 0; i < MODEL_LENT_MAX; i++) {
        struct job *job = &h->jobs[(first + i) % MODEL_LENT_MAX];
        if (job->message && job->ended && h->model.out[job->output].published) {
            give_back(h, job);
            return;
        }
    }
}

/* ---- workers ---- */

static void start_worker(struct house *h)
{
    struct worker *place = NULL;
    unsigned active = 0;
    for (struct worker *w = h->workers; w < h->workers + WORKERS; w++) {
        active += w->state == ACTIVE;
        place = w->state == FREE ? w : place;
    }
    if (!place || active == ACTIVE_MAX)
        return;
    *place = (struct worker){.state = ACTIVE};
    queue_owner_init(&place->owner);
}

/* Its slot goes, and nothing must wait for it. */
static void end_worker(struct worker *w)
{
    assert_int_equal(w->count, 0);
    assert_true(TAILQ_EMPTY(&w->owner.ready));
    w->state = FREE;
}

static struct slice key_of(void *user, const struct queue_item *item)
{
    return key_by(((struct house *)user)->order, ((const struct job *)item)->number);
}

static bool may_dispatch(struct house *h)
{
    if (h->rekey && queue_in_flight(&h->queue) == 0) {
        assert_int_equal(queue_rekey(&h->queue, &(struct queue_rekeying){.key_of = key_of, .user = h}), 0);
        h->effective = h->order;
        h->rekey = false;
    }
    return !h->rekey;
}

static void dispatch(struct house *h, struct worker *w)
{
    struct queue_item *item;
    if (w->state != ACTIVE || w->count == WINDOW || !may_dispatch(h) ||
        !(item = queue_next(&h->queue, &w->owner)))
        return;
    w->calls[w->count].job = (struct job *)item;
    w->calls[w->count++].chain = queue_chain(item);
}

static bool is_broken(const struct worker *w, uint64_t chain)
{
    for (unsigned i = 0; chain && i < w->broken_count && i < BROKEN_MAX; i++)
        if (w->broken[i] == chain)
            return true;
    return false;
}

static enum result outcome(struct house *h)
{
    unsigned dice = h->may_fail ? model_draw(&h->model, 20) : 0;
    return dice < 16 ? OK : dice < 19 ? RETRY : REJECT;
}

/* The worker calls the function for the next message that it has. */
static void execute(struct house *h, struct worker *w)
{
    if (w->executed == w->count)
        return;
    struct job *job = w->calls[w->executed].job;
    uint64_t chain = w->calls[w->executed].chain;
    enum result result = SKIPPED;
    if (!is_broken(w, chain)) {
        assert_false(job->ran);
        check_order_of_running(h, job);
        result = outcome(h);
        job->ran = result == OK || result == REJECT;
        if (result != OK)
            w->broken[w->broken_count++ % BROKEN_MAX] = chain;
    }
    w->calls[w->executed++].result = result;
}

static struct job *shift_call(struct worker *w)
{
    struct job *job = w->calls[0].job;
    w->executed -= w->executed > 0;
    memmove(w->calls, w->calls + 1, --w->count * sizeof w->calls[0]);
    return job;
}

static void attempt_failed(struct house *h, struct job *job)
{
    if (++job->attempts < ATTEMPTS) {
        queue_delay(&h->queue, &job->item, h->model.now_ns + model_draw(&h->model, 2000) * NS_PER_MS);
        h->seen.retried++;
    } else {
        end(h, job, false);
        h->seen.given_up++;
    }
}

static void read_result(struct house *h, struct worker *w)
{
    if (!w->executed)
        return;
    enum result result = w->calls[0].result;
    struct job *job = shift_call(w);
    if (result == RETRY)
        attempt_failed(h, job);
    else if (result == SKIPPED)
        queue_again(&h->queue, &job->item);
    else
        end(h, job, result == OK);
    h->seen.skipped += result == SKIPPED;
}

/* What it said is read first. Then the one that it had begun, if it had, is to blame, and all others run
 * again. */
static void die(struct house *h, struct worker *w)
{
    while (w->executed)
        read_result(h, w);
    if (w->count && !is_broken(w, w->calls[0].chain) && model_draw(&h->model, 2))
        attempt_failed(h, shift_call(w));
    while (w->count)
        queue_again(&h->queue, &shift_call(w)->item);
    h->seen.deaths += w->state != FREE;
    end_worker(w);
}

static void rest(struct worker *w)
{
    if (w->state != FREE && !w->count)
        end_worker(w);
}

static void deploy(struct house *h)
{
    enum order order = model_draw(&h->model, 2) ? h->order : model_draw(&h->model, ORDERS);
    for (struct worker *w = h->workers; w < h->workers + WORKERS; w++)
        w->state = w->state == ACTIVE ? DRAINING : w->state;
    h->seen.deploys++;
    h->seen.reordered += order != h->order;
    h->rekey |= order != h->order;
    h->order = order;
}

static void drop_oldest(struct house *h)
{
    struct queue_item *item = queue_drop_oldest(&h->queue);
    if (item)
        give_back(h, (struct job *)item);
    h->seen.dropped += item != NULL;
}

/* ---- a run ---- */

static void time_passes(struct house *h)
{
    struct model *m = &h->model;
    m->now_ns += model_draw(m, 1000) * NS_PER_MS;
    queue_wake(&h->queue, m->now_ns);
    assert_int_equal(mqtt_session_tick(m->session, m->now_ns), 0);
}

static void seldom(struct house *h, struct worker *w)
{
    struct model *m = &h->model;
    switch (model_draw(m, 40)) {
    case 0:
        die(h, w);
        break;
    case 1:
        deploy(h);
        break;
    case 2:
        drop_oldest(h);
        break;
    case 3:
        rest(w);
        break;
    default:
        if (!m->online) {
            model_connect(m);
        } else if (model_draw(m, 24) == 0) {
            model_cut(m);
            h->seen.cuts++;
        }
    }
}

static void work(struct house *h, struct worker *w)
{
    unsigned dice = model_draw(&h->model, 16);
    if (dice < 6)
        dispatch(h, w);
    else if (dice < 10)
        execute(h, w);
    else if (dice < 14)
        read_result(h, w);
    else if (w->state == DRAINING)
        rest(w);
    else
        start_worker(h);
}

static void step(struct house *h)
{
    struct model *m = &h->model;
    struct worker *w = &h->workers[model_draw(m, WORKERS)];
    unsigned dice = model_draw(m, 32);
    if (dice < 16)
        work(h, w);
    else if (dice < 20)
        model_publish(m);
    else if (dice < 23)
        model_deliver(m, 1 + model_draw(m, 40));
    else if (dice < 26)
        model_read(m, 1 + model_draw(m, 3));
    else if (dice < 28)
        model_answer(m);
    else if (dice < 30)
        release_one(h);
    else if (dice < 31)
        time_passes(h);
    else
        seldom(h, w);
}

/* No more faults and no new messages: all that is open comes to its end. */
static void drain(struct house *h)
{
    struct model *m = &h->model;
    h->may_fail = m->may_lose_session = false;
    if (!m->online)
        model_connect(m);
    for (int i = 0; i < DRAIN_STEPS; i++) {
        work(h, &h->workers[model_draw(m, WORKERS)]);
        model_deliver(m, SIZE_MAX);
        model_answer(m);
        model_read(m, MODEL_IDS);
        release_one(h);
        time_passes(h);
    }
}

static void run(unsigned seed, struct house *total)
{
    struct house *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->may_fail = true;
    slabs_init(&h->slabs);
    queue_init(&h->queue, seed, &h->slabs);
    model_start(&h->model, seed, &events, h);
    model_connect(&h->model);
    for (int i = 0; i < STEPS; i++)
        step(h);
    drain(h);
    model_check_end(&h->model);
    for (size_t i = 0; i < MODEL_LENT_MAX; i++)
        assert_null(h->jobs[i].message);
    queue_finish(&h->queue);
    mqtt_session_destroy(h->model.session);
    slabs_finish(&h->slabs);
    buffer_finish(&h->model.wire);
    for (size_t i = 0; i < sizeof h->seen / sizeof(unsigned); i++)
        ((unsigned *)&total->seen)[i] += ((unsigned *)&h->seen)[i];
    free(h);
}

static void order_holds_from_the_broker_and_back_to_it(void **unused)
{
    static struct house total;
    (void)unused;
    for (unsigned seed = 0; seed < RUNS; seed++) {
        print_message("seed %u\n", seed);
        run(seed, &total);
    }
    print_message("ended %u skipped %u retried %u given up %u deaths %u deploys %u, %u of them with another "
                  "order, cuts %u dropped %u\n",
                  total.seen.ended, total.seen.skipped, total.seen.retried, total.seen.given_up,
                  total.seen.deaths, total.seen.deploys, total.seen.reordered, total.seen.cuts,
                  total.seen.dropped);
    assert_true(total.seen.ended > 100000);
    assert_true(total.seen.skipped > 10000 && total.seen.retried > 10000 && total.seen.given_up > 300);
    assert_true(total.seen.deaths > 3000 && total.seen.deploys > 3000 && total.seen.reordered > 1000);
    assert_true(total.seen.cuts > 5000 && total.seen.dropped > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_holds_from_the_broker_and_back_to_it)};
    return cmocka_run_group_tests_name("order_model", tests, NULL, NULL);
}

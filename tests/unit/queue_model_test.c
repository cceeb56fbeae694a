/* The queue against workers in small, which answer, fail, reject and die in random order, from a fixed seed:
 * per key, the numbers end in order, each once, and none is lost. */
#include "dispatcher/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct message {
    struct queue_item item;
    int key, number;
};

static struct queue queue;

enum { KEYS = 7, OWNERS = 3, MESSAGES = 320000, IN_FLIGHT_MAX = 16, BROKEN_MAX = 256, STEPS_MIN = 1000000 };

struct model_worker {
    struct queue_owner owner;
    struct message *calls[IN_FLIGHT_MAX];
    uint64_t chains[IN_FLIGHT_MAX];
    int count;
    uint64_t broken[BROKEN_MAX]; /* chains that failed here, the last of them */
    unsigned broken_count;
};

static struct model_worker workers[OWNERS];
static struct message messages[MESSAGES];
static int pushed_of[KEYS], ended_of[KEYS];
static uint64_t model_now, model_random = 20;

/* xorshift64*: the same run every time. */
static int dice_of(int sides)
{
    model_random ^= model_random >> 12;
    model_random ^= model_random << 25;
    model_random ^= model_random >> 27;
    return (int)((model_random * 0x2545f4914f6cdd1dull >> 33) % (unsigned)sides);
}

static bool is_broken(const struct model_worker *w, uint64_t chain)
{
    for (unsigned i = 0; i < BROKEN_MAX && i < w->broken_count; i++) {
        if (w->broken[i] == chain)
            return true;
    }
    return false;
}

static struct message *take_oldest_call(struct model_worker *w, uint64_t *ret_chain)
{
    struct message *m = w->calls[0];
    *ret_chain = w->chains[0];
    w->count--;
    for (int i = 0; i < w->count; i++) {
        w->calls[i] = w->calls[i + 1];
        w->chains[i] = w->chains[i + 1];
    }
    return m;
}

static void end_in_order(struct message *m, bool ok)
{
    assert_int_equal(m->number, ended_of[m->key]);
    ended_of[m->key]++;
    queue_done(&queue, &m->item, ok);
}

static void model_answer(struct model_worker *w)
{
    uint64_t chain;
    struct message *m = take_oldest_call(w, &chain);
    int dice = dice_of(10);
    if (is_broken(w, chain)) {
        queue_again(&queue, &m->item); /* skipped */
        return;
    }
    if (dice < 7) {
        end_in_order(m, true);
        return;
    }
    w->broken[w->broken_count++ % BROKEN_MAX] = chain;
    if (dice < 9)
        queue_delay(&queue, &m->item, model_now + (uint64_t)(dice_of(20)));
    else
        end_in_order(m, false);
}

static void model_die(struct model_worker *w)
{
    uint64_t chain;
    while (w->count)
        queue_again(&queue, &take_oldest_call(w, &chain)->item);
    w->broken_count = 0;
}

static void model_dispatch(struct model_worker *w)
{
    if (w->count == IN_FLIGHT_MAX)
        return;
    struct queue_item *item = queue_next(&queue, &w->owner);
    if (!item)
        return;
    w->calls[w->count] = (struct message *)item;
    w->chains[w->count++] = queue_chain(item);
}

static void model_push(int index)
{
    struct message *m = &messages[index];
    char key[2] = {(char)('a' + dice_of(KEYS)), 0};
    m->key = key[0] - 'a';
    m->number = pushed_of[m->key]++;
    assert_int_equal(queue_push(&queue, &m->item, slice_of(key), false), 0);
}

static void model_step(int *pushed)
{
    struct model_worker *w = &workers[dice_of(OWNERS)];
    int dice = dice_of(100);
    model_now++;
    queue_wake(&queue, model_now);
    if (dice < 30 && *pushed < MESSAGES)
        model_push((*pushed)++);
    else if (dice < 65)
        model_dispatch(w);
    else if (dice < 99 && w->count)
        model_answer(w);
    else if (dice == 99)
        model_die(w);
}

static void order_holds_through_retries_rejections_and_deaths(void **unused)
{
    (void)unused;
    int pushed = 0, steps = 0;
    queue_init(&queue, 7, NULL);
    for (int i = 0; i < OWNERS; i++)
        queue_owner_init(&workers[i].owner);
    for (; pushed < MESSAGES || queue.waiting || queue.in_flight; steps++)
        model_step(&pushed);
    assert_true(steps >= STEPS_MIN);
    for (int key = 0; key < KEYS; key++)
        assert_int_equal(pushed_of[key], ended_of[key]);
    queue_finish(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_holds_through_retries_rejections_and_deaths)};
    return cmocka_run_group_tests_name("queue_model", tests, NULL, NULL);
}

/* Order within a lane, freedom between lanes, and nothing lost, whatever happens to the workers. */
#include "dispatcher/queue.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct message {
    struct queue_item item;
    int key, number;
};

static struct queue queue;
static struct queue_owner first, second;

static int fresh_queue(void **unused)
{
    (void)unused;
    queue_init(&queue, 7);
    queue_owner_init(&first);
    queue_owner_init(&second);
    return 0;
}

static int queue_is_empty(void **unused)
{
    (void)unused;
    queue_finish(&queue);
    return 0;
}

static void push(struct message *m, const char *key)
{
    assert_int_equal(queue_push(&queue, &m->item, key ? slice_of(key) : slice_make(NULL, 0), false), 0);
}

static void next_is(struct queue_owner *owner, struct message *expected)
{
    assert_ptr_equal(queue_next(&queue, owner), expected ? &expected->item : NULL);
}

static void done(struct message *m)
{
    queue_done(&queue, &m->item, true);
}

static void without_a_key_everything_runs_at_once(void **unused)
{
    (void)unused;
    struct message a, b;
    push(&a, NULL);
    push(&b, NULL);
    next_is(&first, &a);
    next_is(&second, &b);
    assert_int_equal(queue_chain(&a.item), 0);
    done(&b);
    done(&a);
}

static void a_lane_follows_its_owner(void **unused)
{
    (void)unused;
    struct message a, b, other;
    push(&a, "t");
    push(&b, "t");
    push(&other, "u");
    next_is(&first, &a);
    next_is(&second, &other);
    next_is(&second, NULL);
    next_is(&first, &b);
    assert_int_equal(queue_chain(&a.item), queue_chain(&b.item));
    done(&a);
    done(&b);
    done(&other);
}

static void an_empty_lane_can_go_to_anybody(void **unused)
{
    (void)unused;
    struct message a, b;
    push(&a, "t");
    next_is(&first, &a);
    done(&a);
    push(&b, "t");
    next_is(&second, &b);
    done(&b);
}

static void the_oldest_goes_first_across_lanes(void **unused)
{
    (void)unused;
    struct message a, b, c;
    push(&a, "t");
    push(&b, "u");
    push(&c, "t");
    next_is(&first, &a);
    next_is(&first, &b);
    next_is(&first, &c);
    done(&a);
    done(&b);
    done(&c);
}

static void what_runs_again_goes_back_to_its_place(void **unused)
{
    (void)unused;
    struct message m[4];
    for (int i = 0; i < 4; i++)
        push(&m[i], "t");
    next_is(&first, &m[0]);
    next_is(&first, &m[1]);
    next_is(&first, &m[2]);
    queue_again(&queue, &m[0].item);
    queue_again(&queue, &m[1].item);
    queue_again(&queue, &m[2].item);
    for (int i = 0; i < 4; i++) {
        next_is(&second, &m[i]);
        done(&m[i]);
    }
}

static void a_delayed_item_holds_its_lane_and_no_other(void **unused)
{
    (void)unused;
    struct message a, b, other;
    push(&a, "t");
    push(&b, "t");
    push(&other, "u");
    next_is(&first, &a);
    queue_delay(&queue, &a.item, 100);
    next_is(&first, &other);
    next_is(&first, NULL);
    assert_int_equal(queue_due(&queue), 100);
    queue_wake(&queue, 99);
    next_is(&first, NULL);
    queue_wake(&queue, 100);
    assert_int_equal(queue_due(&queue), CLOCK_NEVER);
    next_is(&first, &a);
    next_is(&first, &b);
    done(&a);
    done(&b);
    done(&other);
}

static void what_was_sent_behind_a_failure_comes_back_before_the_lane_goes_on(void **unused)
{
    (void)unused;
    struct message a, b;
    push(&a, "t");
    push(&b, "t");
    next_is(&first, &a);
    next_is(&first, &b);
    uint64_t chain = queue_chain(&a.item);
    queue_delay(&queue, &a.item, 1);
    queue_wake(&queue, 5);
    next_is(&second, NULL); /* b is still on its way to be skipped */
    queue_again(&queue, &b.item);
    queue_wake(&queue, 5);
    next_is(&second, &a);
    assert_int_not_equal(queue_chain(&a.item), chain);
    next_is(&second, &b);
    done(&a);
    done(&b);
}

static void a_rejected_item_breaks_the_chain_too(void **unused)
{
    (void)unused;
    struct message a, b;
    push(&a, "t");
    push(&b, "t");
    next_is(&first, &a);
    uint64_t chain = queue_chain(&a.item);
    queue_done(&queue, &a.item, false);
    next_is(&first, &b);
    assert_int_not_equal(queue_chain(&b.item), chain);
    done(&b);
}

static void after_a_rejection_the_lane_waits_for_what_will_be_skipped(void **unused)
{
    (void)unused;
    struct message a, b, c;
    push(&a, "t");
    push(&b, "t");
    push(&c, "t");
    next_is(&first, &a);
    next_is(&first, &b);
    queue_done(&queue, &a.item, false);
    next_is(&first, NULL);
    queue_again(&queue, &b.item);
    next_is(&first, &b);
    next_is(&first, &c);
    done(&b);
    done(&c);
}

static void delayed_lanes_wake_in_the_order_of_their_time(void **unused)
{
    (void)unused;
    struct message a, b, c;
    push(&a, "a");
    push(&b, "b");
    push(&c, "c");
    next_is(&first, &a);
    next_is(&first, &b);
    next_is(&first, &c);
    queue_delay(&queue, &a.item, 30);
    queue_delay(&queue, &b.item, 10);
    queue_delay(&queue, &c.item, 20);
    assert_int_equal(queue_due(&queue), 10);
    queue_wake(&queue, 20);
    next_is(&first, &b);
    next_is(&first, &c);
    next_is(&first, NULL);
    assert_int_equal(queue_due(&queue), 30);
    queue_wake(&queue, 30);
    next_is(&first, &a);
    done(&a);
    done(&b);
    done(&c);
}

static void only_what_may_be_dropped_is_dropped_oldest_first(void **unused)
{
    (void)unused;
    struct message keep, a, b;
    push(&keep, "t");
    assert_int_equal(queue_push(&queue, &a.item, slice_of("t"), true), 0);
    assert_int_equal(queue_push(&queue, &b.item, slice_of("t"), true), 0);
    assert_ptr_equal(queue_drop_oldest(&queue), &a.item);
    assert_ptr_equal(queue_drop_oldest(&queue), &b.item);
    assert_null(queue_drop_oldest(&queue));
    next_is(&first, &keep);
    assert_null(queue_drop_oldest(&queue));
    done(&keep);
}

static void the_end_takes_everything_out(void **unused)
{
    (void)unused;
    struct message a, b;
    push(&a, "t");
    push(&b, "u");
    next_is(&first, &a);
    queue_delay(&queue, &a.item, 1000);
    assert_ptr_equal(queue_drop_any(&queue), &b.item);
    assert_ptr_equal(queue_drop_any(&queue), &a.item);
    assert_null(queue_drop_any(&queue));
}

/* ---- against a model: per key, the numbers must end in order, each once ---- */

enum { KEYS = 7, OWNERS = 3, MESSAGES = 40000, IN_FLIGHT_MAX = 16 };

struct model_worker {
    struct queue_owner owner;
    struct message *calls[IN_FLIGHT_MAX];
    uint64_t chains[IN_FLIGHT_MAX];
    int count;
    uint64_t broken[MESSAGES]; /* chains that failed here: an ordered ring would do, a list is the model */
    int broken_count;
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
    for (int i = w->broken_count - 1; i >= 0 && i >= w->broken_count - 64; i--) {
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
    w->broken[w->broken_count++ % MESSAGES] = chain;
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
    push(m, key);
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
    int pushed = 0;
    for (int i = 0; i < OWNERS; i++)
        queue_owner_init(&workers[i].owner);
    while (pushed < MESSAGES || queue.waiting || queue.in_flight)
        model_step(&pushed);
    for (int key = 0; key < KEYS; key++)
        assert_int_equal(pushed_of[key], ended_of[key]);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, fresh_queue, queue_is_empty)

static void only_what_is_younger_than_all_that_was_begun_is_dropped(void **unused)
{
    (void)unused;
    struct message a, b, other, young;
    push(&a, "t");
    push(&b, "t");
    push(&other, "u");
    push(&young, "v");
    next_is(&first, &a);
    next_is(&second, &other);
    assert_false(queue_drop_unbegun(&queue, &a.item)); /* on its way */
    assert_false(queue_drop_unbegun(&queue, &b.item));
    assert_true(queue_drop_unbegun(&queue, &young.item));
    done(&other);
    done(&a);
    assert_false(queue_drop_unbegun(&queue, &other.item)); /* over */
    assert_false(queue_drop_unbegun(&queue, &b.item));
    next_is(&first, &b);
    done(&b);
}

static void what_came_before_something_that_is_over_is_not_dropped(void **unused)
{
    (void)unused;
    struct message a, young;
    push(&a, "t");
    queue_all_begun(&queue);
    push(&young, "t");
    assert_false(queue_drop_unbegun(&queue, &a.item));
    assert_true(queue_drop_unbegun(&queue, &young.item));
    next_is(&first, &a);
    next_is(&first, NULL);
    done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(without_a_key_everything_runs_at_once),
        CLAIM(a_lane_follows_its_owner),
        CLAIM(an_empty_lane_can_go_to_anybody),
        CLAIM(the_oldest_goes_first_across_lanes),
        CLAIM(what_runs_again_goes_back_to_its_place),
        CLAIM(a_delayed_item_holds_its_lane_and_no_other),
        CLAIM(what_was_sent_behind_a_failure_comes_back_before_the_lane_goes_on),
        CLAIM(a_rejected_item_breaks_the_chain_too),
        CLAIM(after_a_rejection_the_lane_waits_for_what_will_be_skipped),
        CLAIM(delayed_lanes_wake_in_the_order_of_their_time),
        CLAIM(only_what_may_be_dropped_is_dropped_oldest_first),
        CLAIM(the_end_takes_everything_out),
        CLAIM(order_holds_through_retries_rejections_and_deaths),
        CLAIM(only_what_is_younger_than_all_that_was_begun_is_dropped),
        CLAIM(what_came_before_something_that_is_over_is_not_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Order within a lane, freedom between lanes. */
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
    queue_init(&queue, 7, NULL);
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

static struct slice no_key(void *user, const struct queue_item *item)
{
    (void)user;
    (void)item;
    return slice_make(NULL, 0);
}

static struct slice one_key(void *user, const struct queue_item *item)
{
    (void)user;
    (void)item;
    return slice_of("all");
}

static void rekey(struct slice (*key_of)(void *user, const struct queue_item *item))
{
    assert_int_equal(queue_rekey(&queue, &(struct queue_rekeying){.key_of = key_of}), 0);
}

static void another_order_takes_what_waits_in_the_order_it_came(void **unused)
{
    (void)unused;
    struct message a, b, c;
    push(&a, "t");
    push(&b, "u");
    push(&c, "v");
    next_is(&first, &a);
    queue_delay(&queue, &a.item, 1000);
    rekey(one_key);
    next_is(&first, &a); /* and waits no longer */
    next_is(&second, NULL);
    next_is(&first, &b);
    next_is(&first, &c);
    done(&a);
    done(&b);
    done(&c);
}

static void without_an_order_all_run_at_once_that_waited_for_another(void **unused)
{
    (void)unused;
    struct message a, b;
    push(&a, "t");
    push(&b, "t");
    rekey(no_key);
    next_is(&first, &a);
    next_is(&second, &b);
    done(&b);
    done(&a);
}

static void what_was_begun_stays_so_under_another_order(void **unused)
{
    (void)unused;
    struct message a, b, young;
    push(&a, "t");
    push(&b, "u");
    next_is(&first, &a);
    next_is(&first, &b);
    queue_again(&queue, &a.item);
    done(&b);
    rekey(one_key);
    push(&young, "all");
    assert_false(queue_drop_unbegun(&queue, &a.item));
    assert_true(queue_drop_unbegun(&queue, &young.item));
    next_is(&first, &a);
    done(&a);
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
        CLAIM(another_order_takes_what_waits_in_the_order_it_came),
        CLAIM(without_an_order_all_run_at_once_that_waited_for_another),
        CLAIM(what_was_begun_stays_so_under_another_order),
        CLAIM(only_what_is_younger_than_all_that_was_begun_is_dropped),
        CLAIM(what_came_before_something_that_is_over_is_not_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How many workers there are, and when: with real processes of a fake zygote, and no message. */
#include "dispatcher/function_internal.h"
#include "shared/clock.h"
#include "worker_scene.h"

#include <stdlib.h>

static struct function f;
static struct node node;
static struct revision *revision;

static int callocs_until_failure; /* 0: none fails */

void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

void *__wrap_calloc(size_t count, size_t bytes)
{
    if (callocs_until_failure && --callocs_until_failure == 0)
        return NULL;
    return __real_calloc(count, bytes);
}

static int open_function(void **unused)
{
    (void)unused;
    static char name[] = "f";
    scene_open(TEST_FAKE_ZYGOTE);
    scene.manifest.instances_idle_ns = 3600 * NS_PER_S;
    scene.manifest.instances_max = 3;
    node = (struct node){.loop = &scene.loop, .worker_io = scene.io, .name = "n", .random = 1};
    f = (struct function){.node = &node, .name = name, .timer_at_ns = CLOCK_NEVER};
    queue_init(&f.queue, 1, NULL);
    TAILQ_INIT(&node.hungry);
    TAILQ_INIT(&f.pools);
    TAILQ_INIT(&f.invocations);
    uv_timer_init(&scene.loop, &f.timer);
    f.timer.data = &f;
    revision = NULL;
    callocs_until_failure = 0;
    return 0;
}

static bool there_is_no_pool(void)
{
    return TAILQ_EMPTY(&f.pools);
}

static bool only_the_test_holds_the_revision(void)
{
    return revision->references == 1;
}

static int close_function(void **unused)
{
    (void)unused;
    if (f.active)
        pool_kill(f.active);
    scene_until_it_is(there_is_no_pool);
    scene_until_it_is(only_the_test_holds_the_revision);
    queue_finish(&f.queue);
    f.timer_closed = true;
    uv_close((uv_handle_t *)&f.timer, NULL);
    scene_close();
    scene_free_revision(revision);
    return 0;
}

/* The pool takes over one reference; the test keeps one. */
static struct pool *given_a_pool(const char *script)
{
    revision = scene_script(script);
    revision_hold(revision);
    f.active = pool_create(&f, revision);
    assert_non_null(f.active);
    return f.active;
}

static bool all_have_started(void)
{
    return f.active->starting == 0;
}

static bool one_is_starting(void)
{
    return f.active->starting == 1;
}

static bool one_is_left(void)
{
    return f.active->count == 1;
}

static void the_least_number_of_workers_starts_without_a_message(void **unused)
{
    (void)unused;
    scene.manifest.instances_min = 2;
    struct pool *p = given_a_pool("good");
    pool_fill(p);
    assert_int_equal(p->count, 2);
    scene_until_it_is(all_have_started);
    pool_fill(p);
    assert_int_equal(p->count, 2);
    assert_null(pool_pick(p)); /* nothing waits */
}

static void waiting_messages_start_workers_up_to_the_bound(void **unused)
{
    (void)unused;
    struct queue_item items[5];
    struct pool *p = given_a_pool("never_ready");
    pool_fill(p);
    assert_int_equal(p->count, 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(queue_push(&f.queue, &items[i], slice_make(NULL, 0), false), 0);
        pool_fill(p);
        assert_int_equal(p->count, i < 3 ? i + 1 : 3);
    }
    while (queue_drop_any(&f.queue)) {
    }
}

static void after_failed_starts_one_is_tried_after_a_delay(void **unused)
{
    (void)unused;
    scene.manifest.instances_min = 3;
    struct pool *p = given_a_pool("fails");
    pool_fill(p);
    assert_int_equal(p->starting, 3);
    scene_until_it_is(all_have_started);
    assert_int_equal(p->failures, 3);
    assert_int_equal(p->count, 0);
    assert_true(p->retry_start_ns > clock_now_ns());
    pool_fill(p);
    assert_int_equal(p->count, 0);
    scene_until_it_is(one_is_starting);
    assert_true(clock_now_ns() >= p->retry_start_ns);
    assert_int_equal(p->count, 1);
}

static void idle_workers_rest_down_to_the_least_number(void **unused)
{
    (void)unused;
    scene.manifest.instances_min = 3;
    struct pool *p = given_a_pool("good");
    pool_fill(p);
    scene_until_it_is(all_have_started);
    revision->manifest->instances_min = 1;
    uint64_t now_ns = clock_now_ns();
    assert_in_range(pool_rest(p, now_ns), now_ns, now_ns + 3600 * NS_PER_S);
    assert_int_equal(p->count, 3);
    assert_int_equal(pool_rest(p, now_ns + 3600 * NS_PER_S), CLOCK_NEVER);
    scene_until_it_is(one_is_left);
    assert_int_equal(pool_rest(p, now_ns + 7200 * NS_PER_S), CLOCK_NEVER);
    assert_int_equal(p->count, 1);
}

static void a_drained_pool_ends_with_its_last_worker(void **unused)
{
    (void)unused;
    scene.manifest.instances_min = 2;
    struct pool *p = given_a_pool("good");
    pool_fill(p);
    scene_until_it_is(all_have_started);
    pool_drain(p);
    assert_false(there_is_no_pool());
    scene_until_it_is(there_is_no_pool);
    assert_null(f.active);
    assert_int_equal(revision->references, 1);
}

static void a_drained_pool_without_workers_ends_at_once(void **unused)
{
    (void)unused;
    pool_drain(given_a_pool("good"));
    assert_true(there_is_no_pool());
    assert_null(f.active);
}

static struct actor *given_a_probe(void)
{
    revision = scene_script("good");
    struct actor *prober = actor_start(revision);
    actor_until_ready(prober);
    revision_hold(revision);
    return prober;
}

static void a_probe_becomes_the_first_worker(void **unused)
{
    (void)unused;
    struct actor *prober = given_a_probe();
    f.active = pool_create(&f, revision);
    pool_adopt(f.active, prober->w);
    assert_int_equal(f.active->count, 1);
    assert_int_equal(f.active->starting, 0);
    pool_drain(f.active);
    scene_until_it_is(there_is_no_pool);
    assert_false(prober->ended); /* it has nothing to do with it any more */
    free(prober);
}

static void a_probe_that_finds_no_memory_is_nobodys(void **unused)
{
    (void)unused;
    struct actor *prober = given_a_probe();
    callocs_until_failure = 2; /* the pool, then the worker's place in it */
    f.active = pool_create(&f, revision);
    pool_adopt(f.active, prober->w);
    assert_int_equal(callocs_until_failure, 0);
    assert_int_equal(f.active->count, 0);
    pool_drain(f.active);
    scene_until_it_is(only_the_test_holds_the_revision);
    assert_false(prober->ended);
    free(prober);
}

static void see_end(void *user, const char *function, const struct mqtt_message *message, const char *outcome,
                    uint64_t duration_ns)
{
    (void)user, (void)function, (void)message, (void)outcome, (void)duration_ns;
}

static bool a_call_is_on_its_way(void)
{
    return queue_in_flight(&f.queue) == 1;
}

static struct mqtt_message message;

static void given_a_trigger(void)
{
    static const struct observer observer = {.finished = see_end};
    static char in[] = "in";
    static struct manifest_trigger trigger = {.topic = in, .qos = 1};
    message = (struct mqtt_message){.topic = slice_of(in), .qos = 1};
    scene.manifest.triggers = &trigger;
    scene.manifest.trigger_count = 1;
    node.observer = &observer;
}

static struct invocation *given_a_message_that_waits(void)
{
    struct invocation *inv = calloc(1, sizeof *inv);
    inv->function = &f;
    inv->message = &message;
    TAILQ_INSERT_TAIL(&f.invocations, inv, house_link);
    f.house++;
    assert_int_equal(queue_push(&f.queue, &inv->item, slice_make(NULL, 0), false), 0);
    return inv;
}

static struct invocation *when_a_message_comes(void)
{
    struct invocation *inv = given_a_message_that_waits();
    function_pump(&f);
    return inv;
}

/* The client is closed and gone: here it never was. */
static void then_it_is_given_back(struct invocation *inv)
{
    assert_int_equal(inv->attempts, 0);
    assert_ptr_equal(queue_drop_any(&f.queue), &inv->item);
    invocation_destroy(inv);
}

static void a_call_that_fails_while_the_function_closes_is_given_back(void **unused)
{
    (void)unused;
    given_a_trigger();
    scene.manifest.timeout_ns = 200 * NS_PER_MS;
    struct pool *p = given_a_pool("hangs");
    struct invocation *inv = when_a_message_comes();
    scene_until_it_is(a_call_is_on_its_way);
    f.phase = FUNCTION_CLOSING;
    f.clients = 1;
    p->draining = true;
    scene_until_it_is(there_is_no_pool);
    then_it_is_given_back(inv);
}

static void messages_that_find_no_worker_are_sent_ahead_each_to_its_own(void **unused)
{
    (void)unused;
    given_a_trigger();
    struct pool *p = given_a_pool("never_ready");
    for (uint32_t i = 0; i < 4; i++) {
        when_a_message_comes();
        assert_int_equal(p->count, i < 3 ? i + 1 : 3);
        assert_int_equal(queue_in_flight(&f.queue), p->count);
    }
    f.phase = FUNCTION_CLOSING;
    f.clients = 1;
    pool_kill(p);
    scene_until_it_is(there_is_no_pool);
    assert_int_equal(queue_in_flight(&f.queue), 0);
    assert_int_equal(f.queue.waiting, 4);
    while (queue_drop_any(&f.queue)) {
    }
    while (!TAILQ_EMPTY(&f.invocations))
        invocation_destroy(TAILQ_FIRST(&f.invocations));
}

static bool one_has_started(void)
{
    return f.active->count - f.active->starting == 1;
}

/* It may be done long before the other is ready. */
static void who_is_there_keeps_a_message_from_being_sent_ahead(void **unused)
{
    (void)unused;
    given_a_trigger();
    struct pool *p = given_a_pool("hangs");
    struct invocation *first = when_a_message_comes();
    scene_until_it_is(one_has_started);
    struct invocation *second = when_a_message_comes();
    assert_int_equal(p->count, 2);
    assert_int_equal(queue_in_flight(&f.queue), 1);
    f.phase = FUNCTION_CLOSING;
    f.clients = 1;
    pool_kill(p);
    scene_until_it_is(there_is_no_pool);
    then_it_is_given_back(first);
    then_it_is_given_back(second);
}

/* As before: it waits until somebody is ready. */
static void after_a_failed_start_no_message_is_sent_ahead(void **unused)
{
    (void)unused;
    given_a_trigger();
    struct pool *p = given_a_pool("fails");
    struct invocation *inv = when_a_message_comes();
    assert_int_equal(queue_in_flight(&f.queue), 1);
    scene_until_it_is(all_have_started);
    assert_int_equal(p->failures, 1);
    assert_int_equal(queue_in_flight(&f.queue), 0);
    scene_until_it_is(one_is_starting);
    assert_int_equal(queue_in_flight(&f.queue), 0);
    f.phase = FUNCTION_CLOSING;
    f.clients = 1;
    pool_kill(p);
    scene_until_it_is(there_is_no_pool);
    then_it_is_given_back(inv);
}

static void given_a_ready_worker(void)
{
    given_a_trigger();
    scene.manifest.instances_min = 1;
    pool_fill(given_a_pool("hangs"));
    scene_until_it_is(all_have_started);
    assert_int_equal(f.active->count, 1);
}

static void when_the_function_closes(struct invocation *inv)
{
    f.phase = FUNCTION_CLOSING;
    f.clients = 1;
    pool_kill(f.active);
    scene_until_it_is(there_is_no_pool);
    then_it_is_given_back(inv);
}

static void work_is_looked_for_once_a_turn(void **unused)
{
    (void)unused;
    given_a_ready_worker();
    struct invocation *inv = given_a_message_that_waits();
    function_pump_soon(&f);
    function_pump_soon(&f);
    assert_int_equal(queue_in_flight(&f.queue), 0);
    node_pump(&node);
    assert_int_equal(queue_in_flight(&f.queue), 1);
    assert_true(TAILQ_EMPTY(&node.hungry));
    when_the_function_closes(inv);
}

static void many_reasons_to_look_are_not_left_for_the_turns_end(void **unused)
{
    (void)unused;
    given_a_ready_worker();
    struct invocation *inv = given_a_message_that_waits();
    for (int i = 0; i < 1000; i++)
        function_pump_soon(&f);
    assert_int_equal(queue_in_flight(&f.queue), 1);
    function_pump(&f);
    assert_true(TAILQ_EMPTY(&node.hungry));
    when_the_function_closes(inv);
}

static void a_function_that_closes_looks_for_no_work(void **unused)
{
    (void)unused;
    given_a_ready_worker();
    struct invocation *inv = given_a_message_that_waits();
    function_pump_soon(&f);
    f.phase = FUNCTION_CLOSING;
    function_pump(&f);
    function_pump_soon(&f);
    assert_true(TAILQ_EMPTY(&node.hungry));
    assert_int_equal(queue_in_flight(&f.queue), 0);
    when_the_function_closes(inv);
}

#define POOL(test) cmocka_unit_test_setup_teardown(test, open_function, close_function)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL(the_least_number_of_workers_starts_without_a_message),
        POOL(waiting_messages_start_workers_up_to_the_bound),
        POOL(after_failed_starts_one_is_tried_after_a_delay),
        POOL(idle_workers_rest_down_to_the_least_number),
        POOL(a_drained_pool_ends_with_its_last_worker),
        POOL(a_drained_pool_without_workers_ends_at_once),
        POOL(a_probe_becomes_the_first_worker),
        POOL(a_probe_that_finds_no_memory_is_nobodys),
        POOL(a_call_that_fails_while_the_function_closes_is_given_back),
        POOL(messages_that_find_no_worker_are_sent_ahead_each_to_its_own),
        POOL(who_is_there_keeps_a_message_from_being_sent_ahead),
        POOL(after_a_failed_start_no_message_is_sent_ahead),
        POOL(work_is_looked_for_once_a_turn),
        POOL(many_reasons_to_look_are_not_left_for_the_turns_end),
        POOL(a_function_that_closes_looks_for_no_work),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}

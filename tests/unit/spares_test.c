/* Workers that wait for functions to come: who gets one, and what becomes of the others. */
#include "worker_scene.h"

#include "dispatcher/worker_internal.h"

#include <poll.h>
#include <signal.h>

enum { WAIT_MAX = 8 };

static int awaited; /* spares */
static size_t fds_before;

static int waiting(int pids[WAIT_MAX])
{
    const struct spares *s = &scene.io->spares;
    int count = 0;
    for (int i = 0; i < s->shape_count; i++)
        for (int k = 0; k < s->shapes[i].count; k++)
            pids[count++] = worker_pid(s->shapes[i].waiting[k]);
    return count;
}

/* And the zygote has said so. */
static bool so_many_wait(void)
{
    int pids[WAIT_MAX], count = waiting(pids), born = 0;
    for (int i = 0; i < count; i++)
        born += pids[i] != 0;
    return born == awaited;
}

static void until_there_are(int count)
{
    awaited = count;
    scene_until_it_is(so_many_wait);
}

static int open_scene(void **unused)
{
    (void)unused;
    fds_before = open_fds();
    scene_open(TEST_FAKE_ZYGOTE);
    worker_io_keep_spares(scene.io);
    return 0;
}

static int close_scene(void **unused)
{
    (void)unused;
    scene_close();
    assert_int_equal(open_fds(), fds_before);
    return 0;
}

static struct actor *start_with(uint64_t memory_bytes)
{
    scene.manifest.limit_memory_bytes = memory_bytes;
    struct actor *a = actor_start(scene_script("good"));
    actor_until_ready(a);
    return a;
}

static void stop(struct actor *a)
{
    worker_kill(a->w);
    actor_until_ended(a);
    actor_forget(a);
}

static bool was_born_before(const struct actor *a, const int *pids, int count)
{
    for (int i = 0; i < count; i++)
        if (pids[i] == worker_pid(a->w))
            return true;
    return false;
}

static void a_worker_may_be_born_before_it_is_asked_for(void **unused)
{
    (void)unused;
    int pids[WAIT_MAX];
    struct actor *first = start_with(1 << 20);
    until_there_are(SPARES_OF_LATEST);
    int count = waiting(pids);
    struct actor *second = start_with(1 << 20);
    assert_false(was_born_before(first, pids, count));
    assert_true(was_born_before(second, pids, count));
    actor_call(second);
    scene_until_answered(second, 1);
    until_there_are(SPARES_OF_LATEST);
    stop(first);
    stop(second);
}

static void a_spare_of_other_limits_is_not_used(void **unused)
{
    (void)unused;
    int pids[WAIT_MAX];
    struct actor *first = start_with(1 << 20);
    until_there_are(SPARES_OF_LATEST);
    int count = waiting(pids);
    struct actor *second = start_with(2 << 20);
    assert_false(was_born_before(second, pids, count));
    stop(first);
    stop(second);
}

static void functions_that_take_turns_find_spares_each(void **unused)
{
    (void)unused;
    int pids[WAIT_MAX];
    struct actor *actors[4];
    actors[0] = start_with(1 << 20);
    until_there_are(SPARES_OF_LATEST);
    actors[1] = start_with(2 << 20);
    for (int i = 2; i < 4; i++) {
        until_there_are(SPARES_OF_LATEST + SPARES_OF_LATEST);
        int count = waiting(pids);
        actors[i] = start_with((uint64_t)(i - 1) << 20);
        assert_true(was_born_before(actors[i], pids, count));
    }
    for (int i = 0; i < 4; i++)
        stop(actors[i]);
}

/* Of the latest shape, and of those before it: how many it had is how long it was the latest. */
static bool each_shape_has_spares(void)
{
    const struct spares *s = &scene.io->spares;
    int pids[WAIT_MAX], count = waiting(pids);
    if (s->shape_count < SPARES_SHAPES || s->shapes[0].count < SPARES_OF_LATEST)
        return false;
    for (int i = 1; i < s->shape_count; i++)
        if (s->shapes[i].count < SPARES_OF_OTHERS)
            return false;
    for (int i = 0; i < count; i++)
        if (!pids[i])
            return false;
    return true;
}

static void limits_that_were_used_long_ago_are_forgotten(void **unused)
{
    (void)unused;
    int pids[WAIT_MAX];
    for (uint64_t mib = 1; mib <= SPARES_SHAPES + 1; mib++)
        stop(start_with(mib << 20));
    scene_until_it_is(each_shape_has_spares);
    int count = waiting(pids);
    struct actor *a = start_with(1 << 20);
    assert_false(was_born_before(a, pids, count));
    stop(a);
}

static bool kits_lie_ready(void)
{
    return scene.io->kits.count == KITS_READY;
}

static void what_the_next_workers_are_born_with_lies_ready(void **unused)
{
    (void)unused;
    struct actor *first = start_with(1 << 20);
    scene_until_it_is(kits_lie_ready);
    int channel = scene.io->kits.ready[KITS_READY - 1].channel;
    struct actor *second = start_with(2 << 20); /* for which there is no spare */
    assert_int_equal(second->w->channel, channel);
    actor_call(second);
    scene_until_answered(second, 1);
    scene_until_it_is(kits_lie_ready);
    stop(first);
    stop(second);
}

/* They are gone on the return; the loop has not heard of it. */
static void kill_waiting(void)
{
    const struct spare_shape *shape = &scene.io->spares.shapes[0];
    for (int i = 0; i < shape->count; i++) {
        struct pollfd end = {.fd = shape->waiting[i]->channel, .events = POLLIN};
        kill(worker_pid(shape->waiting[i]), SIGKILL);
        assert_int_equal(poll(&end, 1, GUARD_MS), 1);
    }
}

static void a_spare_that_died_is_not_used_and_replaced(void **unused)
{
    (void)unused;
    int pids[WAIT_MAX];
    stop(start_with(1 << 20));
    until_there_are(SPARES_OF_LATEST);
    int count = waiting(pids);
    kill_waiting();
    struct actor *a = start_with(1 << 20);
    assert_false(was_born_before(a, pids, count));
    until_there_are(SPARES_OF_LATEST);
    stop(a);
}

static void without_a_zygote_there_are_none_and_later_there_are_again(void **unused)
{
    (void)unused;
    stop(start_with(1 << 20));
    until_there_are(SPARES_OF_LATEST);
    kill(zygote_pid(scene.zygote), SIGKILL);
    until_there_are(0);
    until_there_are(SPARES_OF_LATEST);
}

/* The first loop of all has descriptors that stay. */
static int warm_up(void **unused)
{
    open_scene(unused);
    scene_close();
    return 0;
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_worker_may_be_born_before_it_is_asked_for),
        WITH(what_the_next_workers_are_born_with_lies_ready),
        WITH(a_spare_of_other_limits_is_not_used),
        WITH(functions_that_take_turns_find_spares_each),
        WITH(limits_that_were_used_long_ago_are_forgotten),
        WITH(a_spare_that_died_is_not_used_and_replaced),
        WITH(without_a_zygote_there_are_none_and_later_there_are_again),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}

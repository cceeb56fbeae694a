/* Which cores a real worker may use: the dispatcher's in a conversation, all else. When it is a conversation
 * is placement_test's; here one is given, because on a busy machine no call is quick enough to be part of
 * one. */
#include "worker_scene.h"

#include "dispatcher/worker_internal.h"

#include <sched.h>

#define FOR_EVER "600000"

static struct actor *a;

static int cores_of(pid_t pid)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    assert_int_equal(sched_getaffinity(pid, sizeof cpus, &cpus), 0);
    return CPU_COUNT(&cpus);
}

static bool it_may_use_any_core(void)
{
    return cores_of(worker_pid(a->w)) == cores_of(0);
}

static int open_scene(void **unused)
{
    (void)unused;
    scene_open(TEST_HARK_WORKER);
    a = actor_start(scene_handler(TEST_FUNCTIONS "/slow.so"));
    actor_until_ready(a);
    return 0;
}

static int close_scene(void **unused)
{
    (void)unused;
    worker_kill(a->w);
    actor_until_ended(a);
    actor_forget(a);
    scene_close();
    return 0;
}

/* Returns before the loop can look how long the call lasts. */
static void given_a_call_of_a_conversation(void)
{
    if (cores_of(0) == 1) {
        print_message("there is one core: nothing to choose from\n");
        skip();
    }
    assert_true(it_may_use_any_core());
    a->w->placement.lone = PLACEMENT_LONE_CALLS;
    actor_call_in_chain(a, 0, "in", FOR_EVER);
    scene_turn();
    assert_int_equal(cores_of(worker_pid(a->w)), 1);
}

static void a_call_that_lasts_may_use_any_core(void **unused)
{
    (void)unused;
    given_a_call_of_a_conversation();
    scene_until_it_is(it_may_use_any_core);
    assert_int_equal(a->answered, 0);
}

static void calls_that_gather_may_use_any_core(void **unused)
{
    (void)unused;
    given_a_call_of_a_conversation();
    a->w->window.calls = 2;
    actor_call_in_chain(a, 0, "in", FOR_EVER);
    scene_turn();
    assert_true(it_may_use_any_core());
}

#define PLACE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE(a_call_that_lasts_may_use_any_core),
        PLACE(calls_that_gather_may_use_any_core),
    };
    return cmocka_run_group_tests_name("worker, place", tests, NULL, NULL);
}

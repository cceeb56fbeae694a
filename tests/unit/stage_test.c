/* A version is refused for what it does itself, and tried again when the machinery let it down. */
#include "dispatcher/stage.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "worker_scene.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static bool loaded, probed;
static int load_error, probe_error;
static char probe_text[480];

static void on_loaded(void *user, struct stage *stage, int error, const struct diags *diags)
{
    (void)user, (void)stage, (void)diags;
    loaded = true;
    load_error = error;
}

static void on_probed(void *user, struct stage *stage, struct worker *worker, int error, const char *text)
{
    (void)user, (void)stage;
    if (worker)
        stage_discard_worker(worker);
    probed = true;
    probe_error = error;
    strncpy(probe_text, text ? text : "", sizeof probe_text - 1);
}

static struct stage *given_a_loaded_stage(const char *handler)
{
    static const struct stage_events events = {.loaded = on_loaded, .probed = on_probed};
    const char *manifest = path_in(folder_create(), "f.yaml");
    file_print(manifest, "function: f\nhandler: %s.so\ntriggers:\n  - topic: in\n", handler);
    struct stage *stage = stage_create(&scene.loop, manifest, TEST_FUNCTIONS, &events, NULL);
    assert_non_null(stage);
    scene_until(&loaded);
    assert_int_equal(load_error, 0);
    return stage;
}

static int open_scene(void **unused)
{
    (void)unused;
    loaded = probed = false;
    scene_open(TEST_HARK_WORKER);
    return 0;
}

static int close_scene(void **unused)
{
    scene_close();
    return end_of_test(unused);
}

static void a_probe_that_gets_ready_is_handed_on(void **unused)
{
    (void)unused;
    struct stage *stage = given_a_loaded_stage("lifecycle");
    stage_probe(stage, scene.io);
    scene_until(&probed);
    assert_int_equal(probe_error, 0);
    stage_close(stage);
}

static void a_crash_of_the_probe_is_the_versions_fault(void **unused)
{
    (void)unused;
    struct stage *stage = given_a_loaded_stage("ctor_crash");
    stage_probe(stage, scene.io);
    scene_until(&probed);
    assert_int_equal(probe_error, -ENOEXEC);
    assert_string_equal(probe_text, "killed by SIGABRT (Aborted)");
    stage_close(stage);
}

static bool there_is_no_zygote(void)
{
    return zygote_pid(scene.zygote) == 0;
}

static void the_death_of_the_zygote_is_not(void **unused)
{
    (void)unused;
    struct stage *stage = given_a_loaded_stage("ctor_hang");
    stage_probe(stage, scene.io);
    kill(zygote_pid(scene.zygote), SIGKILL);
    scene_until(&probed);
    assert_int_equal(probe_error, -EAGAIN);
    assert_string_equal(probe_text, "lost with the zygote");
    stage_close(stage);
}

static void nor_is_it_that_there_is_no_zygote(void **unused)
{
    (void)unused;
    struct stage *stage = given_a_loaded_stage("lifecycle");
    scene_hold_pause();
    kill(zygote_pid(scene.zygote), SIGKILL);
    scene_until_it_is(there_is_no_zygote);
    stage_probe(stage, scene.io);
    assert_true(probed);
    assert_int_equal(probe_error, -EAGAIN);
    assert_string_equal(probe_text, "cannot start a worker: there is no zygote just now");
    stage_close(stage);
}

static void closing_a_stage_ends_its_probe(void **unused)
{
    (void)unused;
    struct stage *stage = given_a_loaded_stage("ctor_hang");
    stage_probe(stage, scene.io);
    stage_close(stage);
    scene_turn();
    assert_false(probed);
}

#define STAGE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE(a_probe_that_gets_ready_is_handed_on), STAGE(a_crash_of_the_probe_is_the_versions_fault),
        STAGE(the_death_of_the_zygote_is_not),       STAGE(nor_is_it_that_there_is_no_zygote),
        STAGE(closing_a_stage_ends_its_probe),
    };
    return cmocka_run_group_tests_name("stage", tests, NULL, NULL);
}

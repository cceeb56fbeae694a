/* The zygote from the dispatcher's end: its death is told to every child, a new one takes over, no order is
 * lost while its socket is full, and no fd stays open. */
#include "fake_zygote.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "worker_scene.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int send_error; /* what the next sendmsg fails with; 0: none fails */
static unsigned sent, sent_failures;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

/* A worker's channel is a stream. */
static bool is_for_the_zygote(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (!is_for_the_zygote(fd))
        return __real_sendmsg(fd, message, flags);
    if (send_error) {
        errno = send_error;
        sent_failures++;
        return -1;
    }
    sent++;
    return __real_sendmsg(fd, message, flags);
}

static int dying_ms; /* from the end of its socket to its own */
static uint64_t reaped_ns;

pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    if (dying_ms)
        poll(NULL, 0, dying_ms);
    pid_t waited = __real_waitpid(pid, status, options);
    reaped_ns = clock_now_ns();
    return waited;
}

static size_t fds_before;

static int open_scene(void **unused)
{
    (void)unused;
    send_error = 0;
    sent = sent_failures = 0;
    scene_open(TEST_FAKE_ZYGOTE);
    fds_before = open_fds();
    return 0;
}

static int close_scene(void **unused)
{
    (void)unused;
    send_error = dying_ms = 0;
    scene_close();
    return 0;
}

static void stop(struct actor *a)
{
    worker_stop(a->w);
    actor_until_ended(a);
    assert_int_equal(a->cause, WORKER_STOPPED);
    actor_forget(a);
}

static bool there_is_a_zygote(void)
{
    return zygote_pid(scene.zygote) != 0;
}

static bool there_is_no_zygote(void)
{
    return zygote_pid(scene.zygote) == 0;
}

static void the_death_of_the_zygote_is_told_to_every_child(void **unused)
{
    (void)unused;
    struct actor *actors[3];
    for (int i = 0; i < 3; i++) {
        actors[i] = actor_start(scene_script(i == 2 ? "never_ready" : "good"));
        if (i < 2)
            actor_until_ready(actors[i]);
    }
    while (actors[2]->births == 0)
        scene_turn();
    int old = zygote_pid(scene.zygote);
    scene_hold_pause();
    kill(old, SIGKILL);
    for (int i = 0; i < 3; i++) {
        actor_until_ended(actors[i]);
        assert_int_equal(actors[i]->cause, WORKER_LOST);
        assert_string_equal(actors[i]->text, "lost with the zygote");
        actor_forget(actors[i]);
    }
    assert_int_equal(zygote_pid(scene.zygote), 0);
    assert_int_equal(open_fds(), fds_before - 1); /* the control socket */
    scene_end_pause();
    scene_until_it_is(there_is_a_zygote);
    assert_int_not_equal(zygote_pid(scene.zygote), old);
    assert_int_equal(open_fds(), fds_before);
    struct actor *fresh = actor_start(scene_script("good"));
    actor_until_ready(fresh);
    stop(fresh);
    assert_int_equal(open_fds(), fds_before);
}

static void the_dead_zygote_is_reaped(void **unused)
{
    (void)unused;
    int old = zygote_pid(scene.zygote);
    scene_hold_pause();
    kill(old, SIGKILL);
    scene_until_it_is(there_is_no_zygote);
    assert_int_equal(waitpid(old, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static int before_death;

static bool there_is_another_zygote(void)
{
    return there_is_a_zygote() && zygote_pid(scene.zygote) != before_death;
}

/* A machine under load may take longer for the end of a process than the pause lasts. */
static void the_pause_before_the_next_one_begins_at_its_end(void **unused)
{
    (void)unused;
    before_death = zygote_pid(scene.zygote);
    dying_ms = 150;
    kill(before_death, SIGKILL);
    scene_until_it_is(there_is_another_zygote);
    assert_true(clock_now_ns() - reaped_ns >= 90 * NS_PER_MS); /* of 100, in a loop that knows whole ones */
}

static void without_a_zygote_no_worker_starts_and_no_fd_stays(void **unused)
{
    (void)unused;
    struct diag diag;
    scene_hold_pause();
    kill(zygote_pid(scene.zygote), SIGKILL);
    scene_until_it_is(there_is_no_zygote);
    size_t before = open_fds();
    struct actor nobody = {.revision = scene_script("good")};
    static const struct worker_events none;
    assert_null(worker_start(scene.io, nobody.revision, &none, &nobody, &diag));
    assert_string_equal(diag.text, "cannot start a worker: there is no zygote just now");
    assert_int_equal(open_fds(), before + 1); /* the script */
    scene_free_revision(nobody.revision);
}

static void an_order_that_fails_starts_no_worker_and_leaves_no_fd(void **unused)
{
    (void)unused;
    struct diag diag;
    struct revision *r = scene_script("good");
    static const struct worker_events none;
    send_error = ETOOMANYREFS;
    assert_null(worker_start(scene.io, r, &none, NULL, &diag));
    assert_string_equal(diag.text, "cannot start a worker: Too many references: cannot splice");
    scene_free_revision(r);
    assert_int_equal(open_fds(), fds_before);
}

static void orders_wait_in_turn_while_the_socket_is_full(void **unused)
{
    (void)unused;
    send_error = EAGAIN;
    struct actor *a = actor_start(scene_script("good")), *b = actor_start(scene_script("never_ready"));
    worker_kill(b->w); /* ordered behind the fork that it is for */
    assert_int_equal(sent_failures, 1);
    scene_turn();
    assert_int_equal(sent, 0);
    send_error = 0;
    actor_until_ready(a);
    actor_until_ended(b);
    assert_string_equal(b->text, "killed");
    assert_int_equal(sent, 3);
    actor_forget(b);
    stop(a);
    assert_int_equal(open_fds(), fds_before);
}

static void a_waiting_order_that_fails_ends_its_worker(void **unused)
{
    (void)unused;
    send_error = EAGAIN;
    struct actor *a = actor_start(scene_script("good")), *b = actor_start(scene_script("good"));
    send_error = ETOOMANYREFS;
    actor_until_ended(a);
    actor_until_ended(b);
    assert_int_equal(a->cause, WORKER_NO_FORK);
    assert_string_equal(a->text, "cannot fork: Too many references: cannot splice");
    send_error = 0;
    actor_forget(a);
    actor_forget(b);
    struct actor *fresh = actor_start(scene_script("good"));
    actor_until_ready(fresh);
    stop(fresh);
    assert_int_equal(open_fds(), fds_before);
}

static void orders_that_wait_go_with_the_zygote(void **unused)
{
    (void)unused;
    send_error = EAGAIN;
    struct actor *a = actor_start(scene_script("good"));
    scene_hold_pause();
    kill(zygote_pid(scene.zygote), SIGKILL);
    actor_until_ended(a);
    assert_string_equal(a->text, "lost with the zygote");
    actor_forget(a);
    assert_int_equal(open_fds(), fds_before - 1);
    send_error = 0;
    scene_end_pause();
    scene_until_it_is(there_is_a_zygote);
}

static void a_program_that_is_not_there_is_said(void **unused)
{
    (void)unused;
    struct diag diag;
    size_t before = open_fds();
    assert_null(
        zygote_create(&scene.loop, &(struct zygote_options){.program = "/nowhere/hark-worker"}, &diag));
    assert_string_equal(diag.text, "cannot start /nowhere/hark-worker: No such file or directory");
    assert_int_equal(open_fds(), before);
}

static void close_second(void *user)
{
    zygote_close(user);
}

/* A second zygote takes the place of the scene's, until give_back. */
static struct zygote *first;
static struct worker_io *first_io;

static void take_place(const struct zygote_options *options)
{
    struct diag diag;
    first = scene.zygote;
    first_io = scene.io;
    scene.zygote = zygote_create(&scene.loop, options, &diag);
    assert_non_null(scene.zygote);
    scene.io = worker_io_create(&scene.loop, scene.zygote);
}

static void give_back(void)
{
    worker_io_close(scene.io, close_second, scene.zygote);
    scene.io = first_io;
    scene.zygote = first;
}

static void take_place_as(unsigned role, uint32_t waived)
{
    take_place(&(struct zygote_options){
        .program = TEST_FAKE_ZYGOTE, .changes_user = true, .uid = role, .gid = role, .waived = waived});
}

static bool layers_are_known(void)
{
    return zygote_layers(scene.zygote) != NULL;
}

static void a_fork_waits_until_the_layers_are_known(void **unused)
{
    (void)unused;
    take_place_as(1, 0);
    struct actor *a = actor_start(scene_script("good"));
    assert_null(zygote_layers(scene.zygote));
    assert_int_equal(sent, 0);
    actor_until_ready(a);
    assert_int_equal(zygote_layers(scene.zygote)->uid, 1);
    stop(a);
    give_back();
}

static void without_a_mandatory_layer_nothing_is_forked(void **unused)
{
    (void)unused;
    struct diag diag;
    static const struct worker_events none;
    take_place_as(FAKE_LACKS + LAYER_SECCOMP, 0);
    struct actor *early = actor_start(scene_script("good"));
    actor_until_ended(early);
    assert_string_equal(early->text, "cannot fork: Operation not permitted");
    actor_forget(early);
    struct revision *r = scene_script("good");
    assert_null(worker_start(scene.io, r, &none, NULL, &diag));
    assert_string_equal(diag.text, "cannot start a worker: the seal does not hold: see hark doctor");
    scene_free_revision(r);
    assert_int_equal(sent, 0);
    give_back();
}

static void without_a_layer_that_is_not_mandatory_functions_run(void **unused)
{
    (void)unused;
    take_place_as(FAKE_LACKS + LAYER_MDWE, 0);
    struct actor *a = actor_start(scene_script("good"));
    actor_until_ready(a);
    assert_int_equal(zygote_layers(scene.zygote)->layers[LAYER_MDWE].error, ENOSYS);
    stop(a);
    give_back();
}

static void what_is_waived_is_told_to_every_zygote(void **unused)
{
    (void)unused;
    take_place_as(1, 1u << LAYER_SECCOMP | 1u << LAYER_UID);
    scene_until_it_is(layers_are_known);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(zygote_layers(scene.zygote)->layers[LAYER_SECCOMP].status, LAYER_WAIVED);
        assert_int_equal(zygote_layers(scene.zygote)->layers[LAYER_UID].status, LAYER_WAIVED);
        assert_int_equal(zygote_layers(scene.zygote)->layers[LAYER_NNP].status, LAYER_ENFORCED);
        assert_int_equal(zygote_layers(scene.zygote)->uid, 1);
        scene_hold_pause();
        kill(zygote_pid(scene.zygote), SIGKILL);
        scene_until_it_is(there_is_no_zygote);
        assert_null(zygote_layers(scene.zygote));
        scene_end_pause();
        scene_until_it_is(layers_are_known);
    }
    give_back();
}

static void a_zygote_that_does_not_tell_its_layers_is_not_believed(void **unused)
{
    (void)unused;
    static const unsigned roles[] = {FAKE_ENDS, FAKE_CUTS, FAKE_REPORTS, FAKE_WAIVES};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        take_place_as(roles[i], 0);
        scene_hold_pause();
        struct actor *a = actor_start(scene_script("good"));
        actor_until_ended(a);
        assert_int_equal(a->cause, WORKER_LOST);
        assert_null(zygote_layers(scene.zygote));
        assert_int_equal(zygote_pid(scene.zygote), 0);
        actor_forget(a);
        give_back();
    }
    assert_int_equal(sent, 0);
}

static char said[512];

static void hear(void *user, enum log_level level, const char *line)
{
    (void)user, (void)level;
    snprintf(said, sizeof said, "%s", line);
}

static struct zygote *granting;

static bool more_layers_are_known(void)
{
    return zygote_layers(granting) != NULL;
}

/* What a zygote says of its seal that comes when functions with grants do. */
static void the_one_for_grants_says(unsigned role, bool is_networked, const char *expected)
{
    struct diag diag;
    take_place_as(role, 0);
    scene_until_it_is(layers_are_known);
    said[0] = '\0';
    log_set_sink(hear, NULL);
    granting = zygote_create_granting(scene.zygote, is_networked, &diag);
    assert_non_null(granting);
    scene_until_it_is(more_layers_are_known);
    log_set_sink(NULL, NULL);
    assert_memory_equal(said, expected, strlen(expected) + !*expected);
    zygote_close(granting);
    give_back();
}

/* It may come long after hark has told how well functions are sealed. */
static void what_a_later_zygote_lacks_is_said(void **unused)
{
    (void)unused;
    the_one_for_grants_says(1, false, "");
    the_one_for_grants_says(1, true, ""); /* it is to leave out the network namespace */
    the_one_for_grants_says(FAKE_LACKS_LATER + LAYER_USERNS, false,
                            "hark: warning: the seal is not what it was: user-namespace is missing (");
    the_one_for_grants_says(FAKE_LACKS_LATER + LAYER_SECCOMP, false,
                            "hark: error: functions with grants cannot run any more: seccomp is missing (");
    the_one_for_grants_says(FAKE_LACKS + LAYER_MDWE, false, ""); /* known since the first */
}

/* main() keeps the number taken, so that nothing of the loop has it. */
static void the_control_socket_may_get_the_number_it_has_in_the_zygote(void **unused)
{
    (void)unused;
    close(ZYGOTE_FD);
    take_place(&(struct zygote_options){.program = TEST_FAKE_ZYGOTE});
    assert_int_equal(dup2(STDERR_FILENO, ZYGOTE_FD), ZYGOTE_FD);
    struct actor *a = actor_start(scene_script("good"));
    actor_until_ready(a);
    stop(a);
    give_back();
}

#define ZYGOTE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ZYGOTE(the_death_of_the_zygote_is_told_to_every_child),
        ZYGOTE(the_dead_zygote_is_reaped),
        ZYGOTE(the_pause_before_the_next_one_begins_at_its_end),
        ZYGOTE(without_a_zygote_no_worker_starts_and_no_fd_stays),
        ZYGOTE(an_order_that_fails_starts_no_worker_and_leaves_no_fd),
        ZYGOTE(orders_wait_in_turn_while_the_socket_is_full),
        ZYGOTE(a_waiting_order_that_fails_ends_its_worker),
        ZYGOTE(orders_that_wait_go_with_the_zygote),
        ZYGOTE(a_fork_waits_until_the_layers_are_known),
        ZYGOTE(without_a_mandatory_layer_nothing_is_forked),
        ZYGOTE(without_a_layer_that_is_not_mandatory_functions_run),
        ZYGOTE(what_is_waived_is_told_to_every_zygote),
        ZYGOTE(a_zygote_that_does_not_tell_its_layers_is_not_believed),
        ZYGOTE(what_a_later_zygote_lacks_is_said),
        ZYGOTE(a_program_that_is_not_there_is_said),
        ZYGOTE(the_control_socket_may_get_the_number_it_has_in_the_zygote),
    };
    if (dup2(STDERR_FILENO, ZYGOTE_FD) < 0)
        return 1;
    return cmocka_run_group_tests_name("zygote, life", tests, NULL, NULL);
}

/* The zygote from the dispatcher's end: its death is told to every child, a new one takes over, no order is
 * lost while its socket is full, and no fd stays open. */
#include "shared/clock.h"
#include "worker_scene.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int send_error; /* what the next sendmsg fails with; 0: none fails */
static unsigned sent, sent_failures;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (send_error) {
        errno = send_error;
        sent_failures++;
        return -1;
    }
    sent++;
    return __real_sendmsg(fd, message, flags);
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
    send_error = 0;
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
    int old = zygote_pid(scene.zygote);
    kill(old, SIGKILL);
    for (int i = 0; i < 3; i++) {
        actor_until_ended(actors[i]);
        assert_int_equal(actors[i]->cause, WORKER_LOST);
        assert_string_equal(actors[i]->text, "lost with the zygote");
        actor_forget(actors[i]);
    }
    assert_int_equal(zygote_pid(scene.zygote), 0);
    assert_int_equal(open_fds(), fds_before - 1); /* the control socket */
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
    kill(old, SIGKILL);
    scene_until_it_is(there_is_no_zygote);
    assert_int_equal(waitpid(old, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void without_a_zygote_no_worker_starts_and_no_fd_stays(void **unused)
{
    (void)unused;
    struct diag diag;
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
    kill(zygote_pid(scene.zygote), SIGKILL);
    actor_until_ended(a);
    assert_string_equal(a->text, "lost with the zygote");
    actor_forget(a);
    assert_int_equal(open_fds(), fds_before - 1);
    send_error = 0;
    scene_until_it_is(there_is_a_zygote);
}

static void a_program_that_is_not_there_is_said(void **unused)
{
    (void)unused;
    struct diag diag;
    size_t before = open_fds();
    assert_null(zygote_create(&scene.loop, "/nowhere/hark-worker", &diag));
    assert_string_equal(diag.text, "cannot start /nowhere/hark-worker: No such file or directory");
    assert_int_equal(open_fds(), before);
}

static void close_second(void *user)
{
    zygote_close(user);
}

/* main() keeps the number taken, so that nothing of the loop has it. */
static void the_control_socket_may_get_the_number_it_has_in_the_zygote(void **unused)
{
    (void)unused;
    struct diag diag;
    close(ZYGOTE_FD);
    struct zygote *z = zygote_create(&scene.loop, TEST_FAKE_ZYGOTE, &diag);
    assert_int_equal(dup2(STDERR_FILENO, ZYGOTE_FD), ZYGOTE_FD);
    assert_non_null(z);
    struct zygote *first = scene.zygote;
    struct worker_io *io = scene.io;
    scene.io = worker_io_create(&scene.loop, z);
    scene.zygote = z;
    struct actor *a = actor_start(scene_script("good"));
    actor_until_ready(a);
    stop(a);
    worker_io_close(scene.io, close_second, z);
    scene.io = io;
    scene.zygote = first;
}

#define ZYGOTE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ZYGOTE(the_death_of_the_zygote_is_told_to_every_child),
        ZYGOTE(the_dead_zygote_is_reaped),
        ZYGOTE(without_a_zygote_no_worker_starts_and_no_fd_stays),
        ZYGOTE(an_order_that_fails_starts_no_worker_and_leaves_no_fd),
        ZYGOTE(orders_wait_in_turn_while_the_socket_is_full),
        ZYGOTE(a_waiting_order_that_fails_ends_its_worker),
        ZYGOTE(orders_that_wait_go_with_the_zygote),
        ZYGOTE(a_program_that_is_not_there_is_said),
        ZYGOTE(the_control_socket_may_get_the_number_it_has_in_the_zygote),
    };
    if (dup2(STDERR_FILENO, ZYGOTE_FD) < 0)
        return 1;
    return cmocka_run_group_tests_name("zygote, life", tests, NULL, NULL);
}

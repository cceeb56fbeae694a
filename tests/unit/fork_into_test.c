/* Born into a cgroup by clone3(2): the child must be what fork(3) would have made of it. Skipped where no
 * cgroup v2 lets this process be the parent. */
#include "dispatcher/cgroup_place.h"
#include "shared/fork_into.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* To be born where one's parent is takes a cgroup v2, and the right to write its cgroup.procs. */
static int own_cgroup(void)
{
    struct cgroup_place place;
    (void)cgroup_place_find("/proc/self", getpid(), &place);
    int folder = place.folder[0] ? open(place.folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0 || faccessat(folder, "cgroup.procs", W_OK, AT_EACCESS) != 0) {
        print_message("skipped: no cgroup v2 that may be written\n");
        skip();
    }
    return folder;
}

static int status_of(pid_t pid)
{
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* A mutex that one thread may lock twice knows its owner by the id that libc keeps. */
static int owner_that_libc_sees(void)
{
    pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    pthread_mutex_lock(&mutex);
    int owner = mutex.__data.__owner;
    pthread_mutex_unlock(&mutex);
    return owner;
}

static void the_child_knows_its_own_thread(void **unused)
{
    (void)unused;
    pid_t pid = fork_into(own_cgroup());
    if (pid == 0)
        _exit(owner_that_libc_sees() == (int)syscall(SYS_gettid) ? 0 : 1);
    assert_int_equal(status_of(pid), 0);
}

static void *say_yes(void *unused)
{
    return unused;
}

static void the_child_can_start_threads_and_children(void **unused)
{
    (void)unused;
    pid_t pid = fork_into(own_cgroup());
    if (pid == 0) {
        pthread_t thread;
        void *word = NULL;
        bool ok = pthread_create(&thread, NULL, say_yes, &pid) == 0 && pthread_join(thread, &word) == 0;
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(owner_that_libc_sees() == getpid() ? 0 : 1);
        int status = -1;
        ok = ok && word == &pid && waitpid(grandchild, &status, 0) == grandchild && status == 0;
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(status_of(pid), 0);
}

static void robust_mutexes_are_registered_again(void **unused)
{
    (void)unused;
    void *before = NULL, *after = NULL;
    size_t len;
    assert_int_equal(syscall(SYS_get_robust_list, 0, &before, &len), 0);
    pid_t pid = fork_into(own_cgroup());
    if (pid == 0)
        _exit(syscall(SYS_get_robust_list, 0, &after, &len) == 0 && after == before ? 0 : 1);
    assert_int_equal(status_of(pid), 0);
}

static void what_is_no_cgroup_is_refused(void **unused)
{
    (void)unused;
    int folder = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fork_into(folder), -EBADF);
    close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_child_knows_its_own_thread),
        cmocka_unit_test(the_child_can_start_threads_and_children),
        cmocka_unit_test(robust_mutexes_are_registered_again),
        cmocka_unit_test(what_is_no_cgroup_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Killing what is in a cgroup where the kernel has no cgroup.kill: in a folder like one. */
#include "dispatcher/cgroup_tree.h"
#include "support/cleanup.h"
#include "support/files.h"
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t victim;
static int leash; /* closed: the victim ends by itself */

static int start_victim(void **unused)
{
    (void)unused;
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    victim = fork();
    if (victim == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[0]);
    leash = ends[1];
    return 0;
}

static int status_of_victim(void)
{
    int status = -1;
    close(leash);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    return status;
}

static void kill_all(const char *behind_number)
{
    const char *path = folder_create();
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    file_print(path_in(path, "cgroup.procs"), "0\n%d%s", (int)victim, behind_number);
    cgroup_kill_all(folder);
    close(folder);
}

static void who_is_listed_is_killed(void **unused)
{
    (void)unused;
    kill_all("\n");
    assert_int_equal(status_of_victim(), SIGKILL);
}

static void whose_number_only_begins_like_a_listed_one_lives(void **unused)
{
    (void)unused;
    kill_all(""); /* the rest of it had no room */
    assert_int_equal(status_of_victim(), EXIT_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_listed_is_killed, start_victim, end_of_test),
        cmocka_unit_test_setup_teardown(whose_number_only_begins_like_a_listed_one_lives, start_victim,
                                        end_of_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* doctor_test.c: what hark says of its seal, who functions run as, and that it runs none without the seal. */
#include "shared/layers.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/stage.h"
#include "support/worker_pids.h"
#include "unit/fake_zygote.h"

#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USAGE = 64, INTERNAL = 70, NOT_PERMITTED = 77 };

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void assert_row(const char *out, const char *status, const char *name)
{
    char row[64];
    snprintf(row, sizeof row, "%-9s %-18s ", status, name);
    assert_contains(out, row);
}

/* ---- doctor ---- */

static void doctor_has_a_line_for_every_layer(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("doctor");
    for (int i = 0; i < LAYER_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, " %s ", layer_name((enum layer)i));
        assert_contains(o.out, name);
    }
    assert_row(o.out, "enforced", "uid");
    assert_row(o.out, "enforced", "no-new-privs");
    assert_row(o.out, "enforced", "worker");
    assert_contains(o.out, " cgroup ");
    assert_contains(o.out, " kernel ");
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, 0);
}

static void doctor_says_what_a_manifest_may_grant(void **unused)
{
    (void)unused;
    struct outcome whole = hark_command("doctor"),
                   part = hark_command("doctor", "--insecure=landlock", "--insecure=seccomp"),
                   least = hark_command("doctor", "--insecure=root", "--insecure=user-namespace");
    assert_row(whole.out, "granted", "files");
    assert_row(whole.out, "granted", "unix");
    assert_row(whole.out, "granted", "tcp");
    assert_row(part.out, "granted", "files");
    assert_row(part.out, "refused", "tcp");
    assert_row(least.out, "granted", "files");
    assert_row(least.out, "refused", "unix");
}

static void doctor_answers_in_json(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("doctor", "--json", "--insecure=mdwe");
    json_error_t error;
    json_t *root = json_loads(o.out, 0, &error);
    if (!root)
        fail_msg("no JSON: %s in %s", error.text, o.out);
    const json_t *layers = json_object_get(root, "layers"), *mdwe = json_array_get(layers, LAYER_MDWE);
    assert_int_equal(json_array_size(layers), LAYER_COUNT);
    assert_string_equal(json_string_value(json_object_get(mdwe, "name")), "mdwe");
    assert_string_equal(json_string_value(json_object_get(mdwe, "status")), "waived");
    const json_t *tcp = json_array_get(json_object_get(root, "grants"), 2);
    assert_string_equal(json_string_value(json_object_get(tcp, "name")), "tcp");
    assert_true(json_is_true(json_object_get(tcp, "enforceable")));
    assert_true(json_is_true(json_object_get(root, "can_run")));
    assert_true(json_is_true(json_object_get(json_object_get(root, "worker"), "sealed")));
    json_decref(root);
    assert_int_equal(o.code, 0);
}

static void doctor_shows_what_is_waived(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("doctor", "--insecure=mdwe", "--insecure", "ipc-namespace");
    assert_row(o.out, "waived", "mdwe");
    assert_row(o.out, "waived", "ipc-namespace");
    assert_int_equal(o.code, 0);
}

static void a_layer_that_is_none_is_a_usage_error(void **unused)
{
    (void)unused;
    static const char *const commands[] = {"run", "dev", "check", "invoke", "doctor"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct outcome o = hark_command(commands[i], "--insecure=secomp");
        assert_int_equal(o.code, USAGE);
        assert_contains(o.err, "did you mean 'seccomp'?");
    }
}

static void what_is_waived_is_said_at_every_start(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    const char *folder = folder_create(), *state = folder_create();
    const char *const argv[] = {
        TEST_HARK, "run", "--insecure=mdwe", "--state", state, "--broker", broker_url(b), folder, NULL};
    for (int turn = 0; turn < 2; turn++) {
        struct process *p = process_start(&(struct process_options){.name = "hark", .argv = argv});
        lines_wait(p->err, "^hark: warning: mdwe is waived by --insecure=mdwe: ");
        lines_wait(p->err, "^hark: ready: 0 functions");
        process_signal(p, SIGTERM);
        assert_int_equal(process_wait(p), 0);
    }
}

static void a_user_that_is_none_is_a_usage_error(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("doctor", "--user", "no-such-user");
    assert_int_equal(o.code, USAGE);
    assert_contains(o.err, "hark: error: --user 'no-such-user': there is no such user");
}

static void functions_do_not_run_as_root(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("doctor", "--user", "root");
    assert_int_equal(o.code, USAGE);
    assert_contains(o.err, "functions do not run as root");
}

/* ---- no namespaces ---- */

static const char *folder_with_puppet(void)
{
    const char *folder = folder_create();
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"), PUPPET_MANIFEST);
    return folder;
}

static struct outcome on_a_bare_kernel(const char *landlock, const char *command, const char *what,
                                       bool as_nobody)
{
    const char *bare = path_in(folder_create(), "bare");
    file_copy(TEST_BARE_KERNEL, bare);
    const char *argv[8] = {bare};
    size_t n = 1;
    if (landlock)
        argv[n++] = landlock;
    argv[n++] = hark_installed();
    argv[n++] = command;
    argv[n++] = what;
    if (what)
        argv[n++] = "--payload=say out/x it runs";
    return command_run(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = as_nobody});
}

static void without_namespaces_and_landlock_nothing_runs_for(bool as_nobody)
{
    const char *manifest = path_in(folder_with_puppet(), "puppet.yaml");
    struct outcome o = on_a_bare_kernel(NULL, "doctor", NULL, as_nobody);
    assert_row(o.out, "missing", "root");
    assert_row(o.out, "missing", "landlock");
    assert_contains(o.out, "no function runs: without it only the empty root");
    assert_int_equal(o.code, NOT_PERMITTED);
    o = on_a_bare_kernel(NULL, "invoke", manifest, as_nobody);
    assert_contains(o.err,
                    "hark: error: functions are not run: landlock is missing (Function not implemented): ");
    assert_string_equal(o.out, "");
    assert_int_equal(o.code, NOT_PERMITTED);
}

static void without_namespaces_landlock_is_enough_for(bool as_nobody)
{
    const char *manifest = path_in(folder_with_puppet(), "puppet.yaml");
    struct outcome o = on_a_bare_kernel("landlock", "invoke", manifest, as_nobody);
    assert_contains(o.err, "hark: warning: user-namespace is missing ");
    assert_contains(o.err, "hark: warning: root is missing ");
    assert_string_equal(o.out, "out/x it runs\n");
    assert_int_equal(o.code, 0);
}

static void without_namespaces_and_landlock_no_function_runs(void **unused)
{
    (void)unused;
    without_namespaces_and_landlock_nothing_runs_for(false);
}

static void without_namespaces_landlock_is_enough(void **unused)
{
    (void)unused;
    without_namespaces_landlock_is_enough_for(false);
}

/* It dies at its first two starts: what it leaves behind tells it that they were. */
static const char *zygote_that_dies_twice(void)
{
    const char *program = path_in(folder_create(), "zygote");
    file_print(program,
               "#!/bin/sh\nif PATH=/usr/bin:/bin mkdir $0.1 2>/dev/null || PATH=/usr/bin:/bin mkdir $0.2 "
               "2>/dev/null\n"
               "then exit 1\nfi\nexec %s \"$@\"\n",
               TEST_HARK_WORKER);
    assert_int_equal(chmod(program, 0755), 0);
    return program;
}

static void a_zygote_that_dies_at_its_start_is_tried_again(void **unused)
{
    (void)unused;
    char worker[PATH_MAX + 16];
    snprintf(worker, sizeof worker, "HARK_WORKER=%s", zygote_that_dies_twice());
    const char *const argv[] = {TEST_HARK, "invoke", path_in(folder_with_puppet(), "puppet.yaml"),
                                "--payload=say out/x it runs", NULL};
    struct outcome o =
        command_run(&(struct process_options){.name = "hark", .argv = argv, .environment = worker});
    assert_contains(o.err, "hark: warning: the zygote died before it knew its seal; another try in 200 ms\n");
    assert_string_equal(o.out, "out/x it runs\n");
    assert_int_equal(o.code, 0);
}

/* ---- as root ---- */

static void neither_do_they_for_an_ordinary_user(void **unused)
{
    (void)unused;
    without_namespaces_and_landlock_nothing_runs_for(true);
}

static void landlock_is_enough_for_an_ordinary_user(void **unused)
{
    (void)unused;
    without_namespaces_landlock_is_enough_for(true);
}

/* Zygotes that lack something are played: who they are to run as says what. */
static struct outcome with_fake(const char *command, unsigned role, const char *more, const char *last)
{
    char user[24];
    snprintf(user, sizeof user, "--user=%u", role);
    const char *const argv[] = {TEST_HARK, command, user, more, last, NULL};
    return command_run(&(struct process_options){
        .name = "hark", .argv = argv, .environment = "HARK_WORKER=" TEST_FAKE_ZYGOTE});
}

static void doctor_says_why_functions_do_not_run(void **unused)
{
    (void)unused;
    struct outcome o = with_fake("doctor", FAKE_LACKS + LAYER_SECCOMP, "--verbose", NULL);
    assert_row(o.out, "missing", "seccomp");
    assert_contains(o.out, "no function runs: without it functions reach every system call");
    assert_contains(o.out, "why: Function not implemented; what to do: ");
    assert_contains(o.out, "cannot start a worker: the seal does not hold");
    assert_int_equal(o.code, NOT_PERMITTED);
}

static void no_command_runs_a_function_without_a_mandatory_layer(void **unused)
{
    (void)unused;
    const char *folder = folder_with_puppet();
    static const char *const commands[] = {"run", "dev", "check", "invoke"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *what = i == 3 ? path_in(folder, "puppet.yaml") : folder;
        struct outcome o = with_fake(commands[i], FAKE_LACKS + LAYER_NNP, "--verbose", what);
        assert_int_equal(o.code, NOT_PERMITTED);
        assert_string_equal(o.out, "");
        assert_contains(o.err, "hark: error: functions are not run: no-new-privs is missing (Function not "
                               "implemented): without it ");
        assert_contains(o.err, "; --insecure=no-new-privs runs them without it\n");
        assert_null(strstr(o.err, "deployed"));
    }
}

static void a_layer_that_may_be_missing_is_warned_of(void **unused)
{
    (void)unused;
    struct outcome o = with_fake("check", FAKE_LACKS + LAYER_MDWE, "--verbose", folder_create());
    assert_contains(o.err, "hark: warning: mdwe is missing (Function not implemented): without it ");
    assert_int_equal(o.code, 0);
}

static void a_zygote_that_always_ends_at_once_is_an_error(void **unused)
{
    (void)unused;
    struct outcome o = with_fake("check", FAKE_ENDS, "--verbose", folder_create());
    assert_contains(o.err, "hark: warning: the zygote died before it knew its seal; another try in 100 ms\n"
                           "hark: warning: zygote started again: pid=");
    assert_contains(o.err, "hark: warning: the zygote died before it knew its seal; another try in 200 ms\n");
    assert_contains(o.err,
                    "\nhark: error: the zygote died before it knew its seal, for the third time; nothing can "
                    "run: its own words are above, if it had any\n");
    assert_int_equal(o.code, INTERNAL);
}

/* False: it has ended since it was listed. A process that makes another ends so, in a worker's birth for one.
 */
static bool uid_of(pid_t pid, unsigned *ret_uid)
{
    char path[64], line[256];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f))
        found = sscanf(line, "Uid: %u", ret_uid) == 1;
    if (f)
        fclose(f);
    return found;
}

static void as_root_functions_get_a_user_of_their_own(void **unused)
{
    (void)unused;
    struct broker *b = broker_start();
    const char *state = folder_create();
    const char *const argv[] = {
        TEST_HARK, "run", "--user", "4242", "--state", state, "--broker", broker_url(b), folder_with_puppet(),
        NULL};
    struct process *p = process_start(&(struct process_options){.name = "hark", .argv = argv});
    lines_wait(p->err, "^hark: functions run as 4242$");
    lines_wait(p->err, "^hark: ready: 1 functions");
    pid_t below[16];
    unsigned uid;
    size_t alive = 0, count = worker_pids(p->pid, below, 16);
    for (size_t i = 0; i < count; i++) {
        if (!uid_of(below[i], &uid))
            continue;
        assert_int_equal(uid, 4242);
        alive++;
    }
    assert_in_range(alive, 1, 16);
    assert_true(uid_of(p->pid, &uid));
    assert_int_equal(uid, 0);
}

static void an_ordinary_user_cannot_choose_another(void **unused)
{
    (void)unused;
    const char *prefix = folder_create(), *program = path_in(prefix, "hark");
    file_copy(TEST_HARK, program);
    const char *const argv[] = {program, "doctor", "--user", "4242", NULL};
    struct outcome o =
        command_run(&(struct process_options){.name = "hark", .argv = argv, .as_nobody = true});
    assert_string_equal(
        o.err,
        "hark: error: --user '4242': only root can run functions as somebody else: hark is user 65534\n");
    assert_int_equal(o.code, NOT_PERMITTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(doctor_has_a_line_for_every_layer),
        system_test(doctor_says_what_a_manifest_may_grant),
        system_test(doctor_answers_in_json),
        system_test(doctor_shows_what_is_waived),
        system_test(a_layer_that_is_none_is_a_usage_error),
        system_test(what_is_waived_is_said_at_every_start),
        system_test(a_user_that_is_none_is_a_usage_error),
        system_test(functions_do_not_run_as_root),
        system_test(without_namespaces_and_landlock_no_function_runs),
        system_test(without_namespaces_landlock_is_enough),
        system_test(a_zygote_that_dies_at_its_start_is_tried_again),
    };
    const struct CMUnitTest root_tests[] = {
        system_test(doctor_says_why_functions_do_not_run),
        system_test(no_command_runs_a_function_without_a_mandatory_layer),
        system_test(a_layer_that_may_be_missing_is_warned_of),
        system_test(a_zygote_that_always_ends_at_once_is_an_error),
        system_test(as_root_functions_get_a_user_of_their_own),
        system_test(an_ordinary_user_cannot_choose_another),
        system_test(neither_do_they_for_an_ordinary_user),
        system_test(landlock_is_enough_for_an_ordinary_user),
    };
    int failed = cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
    if (geteuid() == 0)
        failed += cmocka_run_group_tests_name("doctor, as root", root_tests, NULL, NULL);
    return failed;
}

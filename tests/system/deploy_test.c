/* deploy_test.c: what happens to files in the folder happens to functions, and never half. */
#include "support/cleanup.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPLOYED "^hark: deployed puppet version=[0-9a-f]{12}"
#define REFUSED  "^hark: error: refused [^ ]*puppet[^ ]*: "

#define MOVED_MANIFEST                                                                                       \
    "function: puppet\nhandler: puppet.so\npublishes: [ \"out/#\" ]\ntriggers: [ { topic: puppet/moved } "   \
    "]\n"

static const char *built(const char *so)
{
    return path_in(TEST_PUPPETS, so);
}

/* One of those that do harm, by tests/functions. */
static const char *harmful(const char *so)
{
    return path_in(TEST_FUNCTIONS, so);
}

static const char *installed(struct stage *s)
{
    return hark_file(s->hark, "puppet.so");
}

static void stage_build_is(struct stage *s, const char *build)
{
    stage_tell(s, "build out/build");
    stage_expect(s, "out/build", build);
}

/* Another function is deployed: hark has looked at the folder since. */
static void stage_hark_has_looked(struct stage *s)
{
    hark_install(s->hark, "echo.so", "echo.so");
    hark_manifest(s->hark, "echo",
                  "function: echo\nhandler: echo.so\npublishes: [ echo/out ]\n"
                  "triggers: [ { topic: echo/in } ]\n");
    hark_wait_line(s->hark, "^hark: deployed echo ");
}

static void a_changed_manifest_takes_effect(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "config: { colour: red }\n");
    stage_tell(&s, "config out/colour colour");
    stage_expect(&s, "out/colour", "red");
    stage_puppet(&s, "config: { colour: blue }\n");
    stage_tell(&s, "config out/colour colour");
    stage_expect(&s, "out/colour", "blue");
}

static void a_changed_trigger_moves_the_subscription(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    hark_manifest(s.hark, "puppet", MOVED_MANIFEST);
    hark_wait_line(s.hark, DEPLOYED);
    device_publish(s.phone, "puppet/do", "say out/heard at the old topic", 1);
    device_publish(s.phone, "puppet/moved", "say out/heard at the new topic", 1);
    stage_expect(&s, "out/heard", "at the new topic");
    assert_int_equal(device_count(s.phone, "out/heard"), 1);
}

/* The first message holds its lane for an hour; with another order what waits behind it is free. */
static void another_order_holds_for_what_waits_already(void **unused)
{
    (void)unused;
    need_of_broker("window");
    struct stage s = stage_set();
    stage_puppet(&s, "order: all\nretry: { attempts: 3, backoff: 1h, max_backoff: 1h }\n");
    stage_tell(&s, "log first; retry");
    hark_wait_line(s.hark, "^hark: function=puppet worker=[0-9]+ first");
    stage_tell(&s, "say out/heard second");
    stage_tell(&s, "say out/heard third");
    stage_puppet(&s, "order: none\nretry: { attempts: 3, backoff: 1h, max_backoff: 1h }\n");
    stage_expect(&s, "out/heard", "second");
    stage_expect(&s, "out/heard", "third");
}

static void a_so_written_over_in_place_is_deployed(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_build_is(&s, "one");
    file_copy(built("puppet-two.so"), installed(&s));
    hark_wait_line(s.hark, DEPLOYED);
    stage_build_is(&s, "two");
}

static void a_so_renamed_over_is_deployed(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    file_replace(built("puppet-two.so"), installed(&s));
    hark_wait_line(s.hark, DEPLOYED);
    stage_build_is(&s, "two");
}

static void half_a_copy_never_runs_and_the_whole_does(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    file_copy_first_half(built("puppet-two.so"), installed(&s));
    stage_hark_has_looked(&s);
    stage_build_is(&s, "one");
    assert_int_equal(hark_count_lines(s.hark, DEPLOYED), 1);
    file_copy_second_half(built("puppet-two.so"), installed(&s));
    hark_wait_line(s.hark, DEPLOYED);
    stage_build_is(&s, "two");
}

/* It goes on as the same function, with the session in which messages wait for it. */
static void a_manifest_that_is_renamed_keeps_its_function(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    assert_int_equal(rename(hark_file(s.hark, "puppet.yaml"), hark_file(s.hark, "renamed.yaml")), 0);
    stage_hark_has_looked(&s);
    stage_build_is(&s, "one");
    assert_int_equal(hark_count_lines(s.hark, DEPLOYED), 1);
    assert_int_equal(hark_count_lines(s.hark, "^hark: undeployed"), 0);
    file_replace(built("puppet-two.so"), installed(&s));
    hark_wait_line(s.hark, DEPLOYED " replaces=");
}

static void a_so_that_comes_after_its_manifest_is_deployed(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST);
    hark_wait_line(s.hark, "^hark: error: .*puppet.so");
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_wait_line(s.hark, DEPLOYED);
    stage_still_serves(&s);
}

static void a_removed_so_leaves_the_old_version_running(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "instances: { max: 1, idle: 0s }\n");
    file_remove(installed(&s));
    hark_wait_line(s.hark, "^hark: error: .*puppet.so");
    stage_build_is(&s, "one");
    stage_build_is(&s, "one"); /* by a worker that is started anew: idle is 0 */
}

static void a_touched_file_with_the_same_bytes_is_no_deploy(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    file_replace(built("puppet.so"), installed(&s));
    stage_hark_has_looked(&s);
    assert_int_equal(hark_count_lines(s.hark, DEPLOYED), 1);
}

static void the_same_files_have_the_same_version_after_a_restart(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    assert_int_equal(hark_stop(s.hark), 0);
    char pattern[128], version[13] = "";
    char *said = lines_text(s.hark->process->err);
    const char *at = strstr(said, "version=");
    assert_non_null(at);
    snprintf(version, sizeof version, "%s", at + strlen("version="));
    free(said);
    snprintf(pattern, sizeof pattern, "^hark: deployed puppet version=%s", version);
    hark_start(s.hark);
    hark_wait_line(s.hark, pattern);
}

static bool broker_has_session(struct stage *s, const char *id)
{
    struct device *same = device_connect_with(
        &(struct device_options){.port = broker_port(s->broker), .id = id, .resumes = true});
    bool found = device_found_session(same);
    device_disconnect(same);
    return found;
}

static void a_removed_manifest_ends_the_session(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    file_remove(hark_file(s.hark, "puppet.yaml"));
    hark_wait_line(s.hark, "^hark: undeployed puppet");
    assert_false(broker_has_session(&s, "hark/" TEST_NODE "/puppet"));
}

static void stopping_hark_keeps_the_session(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    assert_int_equal(hark_stop(s.hark), 0);
    assert_true(broker_has_session(&s, "hark/" TEST_NODE "/puppet"));
}

static void a_filter_removed_while_hark_was_away_is_unsubscribed(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    assert_int_equal(hark_stop(s.hark), 0);
    hark_manifest(s.hark, "puppet", MOVED_MANIFEST);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    device_publish(s.phone, "puppet/do", "say out/heard at the old topic", 1);
    device_publish(s.phone, "puppet/moved", "say out/heard at the new topic", 1);
    stage_expect(&s, "out/heard", "at the new topic");
    broker_wait_line(s.broker, "hark/" TEST_NODE "/puppet puppet/do$");
}

/* There, what the broker has already is not asked for; what is only written down is. */
static void mqtt_3_asks_for_a_filter_that_was_added_while_hark_was_away(void **unused)
{
    (void)unused;
    struct stage s = stage_set_3_1_1();
    stage_puppet(&s, "");
    assert_int_equal(hark_stop(s.hark), 0);
    hark_manifest(s.hark, "puppet", MOVED_MANIFEST);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 1 functions");
    device_publish(s.phone, "puppet/moved", "say out/heard at the new topic", 1);
    stage_expect(&s, "out/heard", "at the new topic");
}

static void a_manifest_removed_mid_flight_lets_the_invocation_finish(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_tell(&s, "log begun; work 500; say out/finished yes");
    hark_wait_line(s.hark, "function=puppet worker=[0-9]+ begun");
    file_remove(hark_file(s.hark, "puppet.yaml"));
    stage_expect(&s, "out/finished", "yes");
    hark_wait_line(s.hark, "^hark: undeployed puppet");
}

static void the_old_version_finishes_what_it_began(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    stage_tell(&s, "log begun; work 500; build out/old");
    hark_wait_line(s.hark, "function=puppet worker=[0-9]+ begun");
    file_replace(built("puppet-two.so"), installed(&s));
    stage_expect(&s, "out/old", "one");
    hark_wait_line(s.hark, DEPLOYED);
    stage_build_is(&s, "two");
    assert_int_equal(device_count(s.phone, "out/old"), 1);
}

static void a_manifest_put_back_is_deployed_again(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    file_remove(hark_file(s.hark, "puppet.yaml"));
    hark_wait_line(s.hark, "^hark: undeployed puppet");
    stage_puppet(&s, "");
    stage_still_serves(&s);
}

static void a_bad_manifest_is_refused_with_every_complaint_and_the_old_serves(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    file_print(hark_file(s.hark, "next"), PUPPET_MANIFEST "topcis: 1\ntimeout: soon\n");
    file_replace(hark_file(s.hark, "next"), hark_file(s.hark, "puppet.yaml"));
    hark_wait_line(s.hark, "^hark: error: .*puppet\\.yaml:5:1: .*topcis");
    hark_wait_line(s.hark, "^hark: error: .*puppet\\.yaml:6:10: .*soon");
    stage_hark_has_looked(&s);
    stage_still_serves(&s);
    assert_int_equal(hark_count_lines(s.hark, "puppet\\.yaml:5:1:"), 1);
    assert_int_equal(hark_count_lines(s.hark, DEPLOYED), 1);
}

static void two_manifests_of_one_name_are_a_complaint_and_the_first_serves(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, "");
    hark_manifest(s.hark, "second",
                  "function: puppet\nhandler: puppet-two.so\ntriggers: [ { topic: puppet/do } ]\n"
                  "publishes: [ \"out/#\" ]\n");
    hark_install(s.hark, "puppet-two.so", "puppet-two.so");
    hark_wait_line(s.hark, "^hark: error: .*second\\.yaml:1:[0-9]+: .*puppet");
    stage_build_is(&s, "one");
}

/* `so` is put over a running function: refused for that reason in one line, and the old keeps serving; then a
 * good one is taken. */
static void is_refused(const char *so, const char *reason)
{
    struct stage s = stage_set();
    char pattern[256];
    stage_puppet(&s, "timeout: 1s\n");
    file_replace(so, installed(&s));
    snprintf(pattern, sizeof pattern, "^hark: error: .*puppet\\.(so|yaml).*%s", reason);
    hark_wait_line(s.hark, pattern);
    stage_build_is(&s, "one");
    stage_hark_has_looked(&s);
    assert_int_equal(hark_count_lines(s.hark, REFUSED), 1);
    file_replace(built("puppet-two.so"), installed(&s));
    hark_wait_line(s.hark, DEPLOYED);
    stage_build_is(&s, "two");
}

static const char *made(const void *bytes, size_t len)
{
    const char *path = path_in(folder_create(), "made.so");
    file_write(path, bytes, len);
    return path;
}

static void an_empty_so_is_refused(void **unused)
{
    (void)unused;
    is_refused(made("", 0), "empty");
}

static void a_text_file_is_refused(void **unused)
{
    (void)unused;
    is_refused(made("hello\n", 6), "no shared object");
}

static void a_truncated_so_is_refused(void **unused)
{
    (void)unused;
    const char *path = path_in(folder_create(), "half.so");
    file_copy_first_half(built("puppet-two.so"), path);
    is_refused(path, "cut");
}

static void a_so_of_another_machine_is_refused(void **unused)
{
    (void)unused;
    const char *path = path_in(folder_create(), "foreign.so");
    uint16_t machine = EM_ALPHA;
    file_copy_patched(built("puppet-two.so"), path, offsetof(Elf64_Ehdr, e_machine), &machine,
                      sizeof machine);
    is_refused(path, "machine");
}

static void a_so_without_hark_function_is_refused(void **unused)
{
    (void)unused;
    is_refused(harmful("no_symbol.so"), "hark_function");
}

static void a_so_of_another_abi_is_refused(void **unused)
{
    (void)unused;
    is_refused(harmful("wrong_abi.so"), "ABI 7");
}

static void a_so_with_a_symbol_nobody_has_is_refused(void **unused)
{
    (void)unused;
    is_refused(harmful("unresolved.so"), "nowhere_to_be_found");
}

static void a_constructor_that_crashes_is_refused(void **unused)
{
    (void)unused;
    is_refused(harmful("ctor_crash.so"), "SIGABRT");
}

static void a_constructor_that_exits_is_refused(void **unused)
{
    (void)unused;
    is_refused(harmful("ctor_exit.so"), "exit");
}

static void a_constructor_that_hangs_is_refused(void **unused)
{
    (void)unused;
    is_refused(harmful("ctor_hang.so"), "1000 ms");
}

static void a_start_that_fails_is_refused(void **unused)
{
    (void)unused;
    is_refused(harmful("start_fails.so"), "start");
}

static void a_bad_first_version_is_refused_and_the_next_taken(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    file_copy(harmful("wrong_abi.so"), installed(&s));
    hark_manifest(s.hark, "puppet", PUPPET_MANIFEST);
    hark_wait_line(s.hark, REFUSED);
    file_replace(built("puppet.so"), installed(&s));
    hark_wait_line(s.hark, DEPLOYED);
    stage_still_serves(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_changed_manifest_takes_effect),
        system_test(a_changed_trigger_moves_the_subscription),
        system_test(another_order_holds_for_what_waits_already),
        system_test(a_so_written_over_in_place_is_deployed),
        system_test(a_so_renamed_over_is_deployed),
        system_test(a_manifest_that_is_renamed_keeps_its_function),
        system_test(half_a_copy_never_runs_and_the_whole_does),
        system_test(a_so_that_comes_after_its_manifest_is_deployed),
        system_test(a_removed_so_leaves_the_old_version_running),
        system_test(a_touched_file_with_the_same_bytes_is_no_deploy),
        system_test(the_same_files_have_the_same_version_after_a_restart),
        system_test(a_removed_manifest_ends_the_session),
        system_test(stopping_hark_keeps_the_session),
        system_test(a_filter_removed_while_hark_was_away_is_unsubscribed),
        system_test(mqtt_3_asks_for_a_filter_that_was_added_while_hark_was_away),
        system_test(a_manifest_removed_mid_flight_lets_the_invocation_finish),
        system_test(the_old_version_finishes_what_it_began),
        system_test(a_manifest_put_back_is_deployed_again),
        system_test(a_bad_manifest_is_refused_with_every_complaint_and_the_old_serves),
        system_test(two_manifests_of_one_name_are_a_complaint_and_the_first_serves),
        system_test(an_empty_so_is_refused),
        system_test(a_text_file_is_refused),
        system_test(a_truncated_so_is_refused),
        system_test(a_so_of_another_machine_is_refused),
        system_test(a_so_without_hark_function_is_refused),
        system_test(a_so_of_another_abi_is_refused),
        system_test(a_so_with_a_symbol_nobody_has_is_refused),
        system_test(a_constructor_that_crashes_is_refused),
        system_test(a_constructor_that_exits_is_refused),
        system_test(a_constructor_that_hangs_is_refused),
        system_test(a_start_that_fails_is_refused),
        system_test(a_bad_first_version_is_refused_and_the_next_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

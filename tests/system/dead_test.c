/* dead_test.c: dead letters are kept on this machine, and come back from there. */
#include "shared/clock.h"
#include "support/cleanup.h"
#include "support/command.h"
#include "support/dead_letters.h"
#include "support/files.h"
#include "support/other_broker.h"
#include "support/stage.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct stage stage_with_settings(const char *settings, const struct broker_options *o)
{
    struct stage s = {.broker = broker_start_with(o)};
    s.hark = hark_prepare(broker_url(s.broker));
    s.hark->config = path_in(s.hark->state, "node.yaml");
    file_print(s.hark->config, "%s", settings);
    hark_start(s.hark);
    hark_wait_line(s.hark, "^hark: ready: 0 functions");
    s.phone = device_connect(broker_port(s.broker), "phone");
    device_subscribe(s.phone, "out/#", 1);
    device_subscribe(s.phone, "hark/dead/#", 1);
    return s;
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *object = json_loads(text, 0, &error);
    if (!object)
        fail_msg("no JSON: %s in %s", error.text, text);
    return object;
}

static void is(const json_t *object, const char *key, const char *value)
{
    const char *got = json_string_value(json_object_get(object, key));
    assert_non_null(got);
    assert_string_equal(got, value);
}

static void one_that_died_is_listed_with_its_reason(void **unused)
{
    (void)unused;
    struct stage s = letter_stage();
    struct outcome o = dead_command(s.hark, "list");
    assert_non_null(strstr(o.out, "Z  puppet  reject  1  puppet/do  6\n"));
    assert_int_equal(letter_lines(o.out), 1);
    o = dead_command(s.hark, "list", "--function", "other");
    assert_string_equal(o.out, "");
    o = dead_command(s.hark, "list", "--function", "puppet", "--json");
    json_t *line = parse(o.out);
    is(line, "function", "puppet");
    is(line, "error", "reject");
    is(line, "reason", "rejected");
    is(line, "topic", "puppet/do");
    assert_int_equal(json_integer_value(json_object_get(line, "attempts")), 1);
    assert_int_equal(json_integer_value(json_object_get(line, "payload_bytes")), 6);
    assert_null(json_object_get(line, "payload"));
    json_decref(line);
}

static void all_that_is_known_of_it_is_shown(void **unused)
{
    (void)unused;
    need_of_broker("mqtt5");
    struct stage s = letter_stage();
    struct outcome o = dead_command(s.hark, "show", letter_id(s.hark));
    assert_int_equal(o.code, 0);
    assert_non_null(strstr(o.out, "property        colour=blue\n"));
    assert_non_null(strstr(o.out, "correlation     0x0001fe\n"));
    assert_non_null(strstr(o.out, "payload         6 bytes\n                reject\n"));
    o = dead_command(s.hark, "show", "--json", letter_id(s.hark));
    json_t *shown = parse(o.out);
    is(shown, "id", letter_id(s.hark));
    is(shown, "payload", "reject");
    is(shown, "content_type", "text/plain");
    is(shown, "response_topic", "out/answer");
    is(shown, "correlation_base64", "AAH+");
    assert_int_equal(json_array_size(json_object_get(shown, "properties")), 1);
    json_decref(shown);
}

static void a_tick_is_listed_by_its_timer_and_cannot_be_published(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    hark_install(s.hark, "puppet.so", "puppet.so");
    hark_manifest(s.hark, "puppet", "%s",
                  "function: puppet\nhandler: puppet.so\ntriggers: [ { every: 100ms } ]\n"
                  "publishes: [ out/tick ]\nconfig: { tick: reject }\n");
    hark_wait_line(s.hark, "^hark: deployed puppet ");
    device_wait(s.phone, "hark/dead/puppet");
    assert_int_equal(hark_stop(s.hark), 0);
    struct outcome o = dead_command(s.hark, "list");
    assert_non_null(strstr(o.out, "  puppet  reject  1  every 100ms  0\n"));
    char id[17];
    snprintf(id, sizeof id, "%s", o.out);
    o = redrive(s.hark, id);
    assert_int_equal(o.code, 65);
    assert_non_null(strstr(o.err, "was a timer's event: there is nothing to publish"));
}

static void what_is_purged_is_gone(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_AT_A_TIME);
    letter_bury(&s);
    letter_bury(&s);
    letters_wait(&s, 2);
    char id[17];
    snprintf(id, sizeof id, "%s", dead_command(s.hark, "list").out);
    assert_string_equal(dead_command(s.hark, "purge", id).out, "1 removed\n");
    assert_string_not_equal(letter_id(s.hark), id);
    assert_string_equal(dead_command(s.hark, "purge", "--all").out, "1 removed\n");
    assert_int_equal(letters_listed(s.hark), 0);
}

static void mistakes_are_one_line_each(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    static const struct {
        const char *words[4];
        int code;
        const char *line;
    } cases[] = {
        {{"lst"}, 64, "unknown action 'lst': did you mean 'list'?"},
        {{"purge"}, 64, "IDs, --function NAME or --all is needed"},
        {{"purge", "--all", "--function", "f"}, 64, "IDs, --function NAME or --all is needed"},
        {{"show"}, 64, "one ID is needed"},
        {{"list", "x"}, 64, "it takes no ID"},
        {{"redrive", "--json"}, 64, "--json is not for it"},
        {{"redrive", "--rate", "0/s"}, 64, "--rate '0/s': 1/s to 1000/s is needed"},
        {{"show", "nobody"}, 65, "there is no dead letter 'nobody'"},
        {{"purge", "../../etc"}, 65, "there is no dead letter '../../etc'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *w = cases[i].words;
        const char *const argv[] = {TEST_HARK, "dead", "--state", s.hark->state, "--node", TEST_NODE,
                                    w[0],      w[1],   w[2],      w[3],          NULL};
        struct outcome o = command_run(&(struct process_options){.name = "hark", .argv = argv});
        assert_int_equal(o.code, cases[i].code);
        if (!strstr(o.err, cases[i].line))
            fail_msg("'%s' is not in %s", cases[i].line, o.err);
        assert_int_equal(letter_lines(o.err), 1);
    }
    assert_int_equal(hark_command("dead", "--state", s.hark->state, "--node", TEST_NODE).code, 64);
}

/* A wrong --state or --node looks like a node without dead letters otherwise. */
static void a_node_that_never_ran_here_is_said(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    struct outcome o = hark_command("dead", "list", "--state", s.hark->state, "--node", "nobody");
    assert_int_equal(o.code, 0);
    assert_string_equal(o.out, "");
    assert_non_null(strstr(o.err, "/nobody/dead: --state, --node and --config have to be those of hark run"));
    assert_int_equal(letter_lines(o.err), 1);
    const char *config = path_in(s.hark->state, "none.yaml");
    file_print(config, "dead_letters: { max: 0 }\n");
    o = hark_command("dead", "list", "--state", s.hark->state, "--node", "nobody", "--config", config);
    assert_non_null(strstr(o.err, "/nobody/dead: dead_letters.max is 0\n"));
    o = dead_command(s.hark, "list");
    assert_string_equal(o.err, "");
    o = dead_command(s.hark, "redrive", "--function", "nobody");
    assert_int_equal(o.code, 0);
    assert_string_equal(o.err, "hark: there is nothing to publish\n");
}

static void the_folder_is_nobody_elses(void **unused)
{
    (void)unused;
    struct stage s = letter_stage();
    struct stat status;
    assert_int_equal(stat(path_in(s.hark->state, TEST_NODE "/dead"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
}

static void more_than_hark_yaml_allows_is_published_all_the_same(void **unused)
{
    (void)unused;
    struct stage s = stage_with_settings("dead_letters: { max: 2 }\n", &(struct broker_options){0});
    stage_puppet(&s, ONE_AT_A_TIME);
    for (int i = 0; i < 4; i++)
        letter_bury(&s);
    letters_wait(&s, 2);
    hark_wait_line(s.hark, "dead letters are not kept in .*/dead: dead_letters of hark.yaml allows no more");
    assert_int_equal(letters_listed(s.hark), 2);
}

/* The folder's place is taken: said at the start, and nothing else suffers. */
static void without_a_folder_they_are_published_all_the_same(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    assert_int_equal(hark_stop(s.hark), 0);
    assert_int_equal(rmdir(path_in(s.hark->state, TEST_NODE "/dead")), 0);
    file_print(path_in(s.hark->state, TEST_NODE "/dead"), "x");
    hark_start(s.hark);
    hark_wait_line(
        s.hark, "^hark: error: dead letters are not kept: .*/dead: the folder cannot be opened: Not a dir");
    stage_puppet(&s, ONE_AT_A_TIME);
    letter_bury(&s);
    stage_still_serves(&s);
}

static void a_function_without_dead_letters_keeps_none(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    stage_puppet(&s, ONE_AT_A_TIME "dead_letter: none\n");
    stage_tell(&s, "reject");
    hark_wait_line(s.hark, "given up after 1 attempt: rejected; dropped");
    stage_still_serves(&s);
    assert_int_equal(letters_listed(s.hark), 0);
}

/* Kept here is safe: the function goes on. */
static void one_that_the_broker_refuses_is_kept_and_acknowledged(void **unused)
{
    (void)unused;
    struct stage s = stage_with_settings(
        "{}\n", &(struct broker_options){.acl = "topic readwrite #\ntopic deny hark/dead/puppet\n"});
    stage_puppet(&s, ONE_AT_A_TIME);
    stage_tell(&s, "reject");
    hark_wait_line(s.hark, "is kept on this machine alone: hark dead list");
    stage_tell(&s, "say out/next x");
    stage_expect(&s, "out/next", "x");
    assert_int_equal(letters_listed(s.hark), 1);
}

static void a_power_cut_takes_none_that_was_acknowledged(void **unused)
{
    (void)unused;
    struct stage s = letter_stage();
    hark_kill(s.hark);
    assert_int_equal(letters_listed(s.hark), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(one_that_died_is_listed_with_its_reason),
        system_test(all_that_is_known_of_it_is_shown),
        system_test(a_tick_is_listed_by_its_timer_and_cannot_be_published),
        system_test(what_is_purged_is_gone),
        system_test(mistakes_are_one_line_each),
        system_test(a_node_that_never_ran_here_is_said),
        system_test(the_folder_is_nobody_elses),
        system_test(more_than_hark_yaml_allows_is_published_all_the_same),
        system_test(without_a_folder_they_are_published_all_the_same),
        system_test(a_function_without_dead_letters_keeps_none),
        system_test(one_that_the_broker_refuses_is_kept_and_acknowledged),
        system_test(a_power_cut_takes_none_that_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cli/options.h"
#include "cli/settings.h"
#include "shared/clock.h"
#include "shared/layers.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static int do_nothing(struct options *o)
{
    (void)o;
    return 0;
}

static const struct command command = {.name = "try",
                                       .arguments = "[DIR]",
                                       .summary = "",
                                       .help = "",
                                       .takes = OPTION_BROKER | OPTION_CA_FILE | OPTION_PORT | OPTION_QOS |
                                                OPTION_PROPERTY | OPTION_DRAIN | OPTION_RATE | OPTION_JSON |
                                                OPTION_HELP | OPTION_NODE | OPTIONS_SEAL,
                                       .arguments_max = 1,
                                       .run = do_nothing};

static struct options options;
static struct diag diag;

/* The line is split at its spaces. */
static int parse(const char *line)
{
    static char copy[2048];
    static char *argv[128];
    int argc = 0;
    char *rest = copy;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word; (word = strsep(&rest, " "));)
        argv[argc++] = word;
    argv[argc] = NULL;
    return options_parse(&command, argc, argv, &options, &diag);
}

static void assert_refused(const char *line, const char *text)
{
    assert_int_equal(parse(line), -EINVAL);
    assert_string_equal(diag.text, text);
}

static void options_and_arguments_may_be_mixed(void **unused)
{
    (void)unused;
    assert_int_equal(parse("try --json folder --port 1884 --property a=b=c --property =x"), 0);
    assert_true(options.json);
    assert_int_equal(options.port, 1884);
    assert_int_equal(options.argument_count, 1);
    assert_string_equal(options.arguments[0], "folder");
    assert_int_equal(options.property_count, 2);
    assert_string_equal(options.properties[0], "a=b=c");
}

static void a_value_may_follow_an_equals_sign(void **unused)
{
    (void)unused;
    assert_int_equal(parse("try --broker=mqtt://h --qos=2"), 0);
    assert_string_equal(options.broker, "mqtt://h");
    assert_int_equal(options.qos, 2);
}

static void after_two_dashes_all_are_arguments(void **unused)
{
    (void)unused;
    assert_int_equal(parse("try -- --json"), 0);
    assert_false(options.json);
    assert_string_equal(options.arguments[0], "--json");
}

static void each_layer_is_waived_by_its_own_option(void **unused)
{
    (void)unused;
    assert_int_equal(parse("try --insecure=mdwe --insecure uid --user nobody"), 0);
    assert_int_equal(options.insecure, 1u << LAYER_MDWE | 1u << LAYER_UID);
    assert_string_equal(options.user, "nobody");
    assert_int_equal(parse("try"), 0);
    assert_int_equal(options.insecure, 0);
    assert_refused(
        "try --insecure=landlok",
        "--insecure 'landlok': no layer of the seal: did you mean 'landlock'? see 'hark try --help'");
    assert_refused(
        "try --insecure=everything",
        "--insecure 'everything': no layer of the seal: hark doctor lists them: see 'hark try --help'");
}

static void nothing_given_leaves_the_defaults(void **unused)
{
    (void)unused;
    assert_int_equal(parse("try"), 0);
    assert_null(options.broker);
    assert_int_equal(options.port, 0);
    assert_int_equal(options.qos, 1);
    assert_int_equal(options.argument_count, 0);
}

static void mistakes_are_named_with_the_way_out(void **unused)
{
    (void)unused;
    assert_refused("try --brokr x",
                   "unknown option '--brokr': did you mean '--broker'? see 'hark try --help'");
    assert_refused("try --zzzzzzzz", "unknown option '--zzzzzzzz': see 'hark try --help'");
    assert_refused("try -x", "unknown option '-x': see 'hark try --help'");
    assert_refused("try --broker", "--broker needs a value: --broker URL: see 'hark try --help'");
    assert_refused("try --broker= here", "--broker needs a value: --broker URL: see 'hark try --help'");
    assert_refused("try --json=yes", "--json takes no value: see 'hark try --help'");
    assert_refused("try a b", "unexpected argument 'b': see 'hark try --help'");
    assert_refused("try --property ab", "--property 'ab': KEY=VALUE is needed: see 'hark try --help'");
    assert_refused("try --payload x", "unknown option '--payload': see 'hark try --help'");
}

static void numbers_out_of_bounds_are_refused(void **unused)
{
    (void)unused;
    static const char *const lines[] = {
        "try --port 0",  "try --port 65536", "try --port -1",
        "try --port x",  "try --port 1x",    "try --port=",
        "try --port +1", "try --qos 3",      "try --qos 99999999999999999999"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_int_equal(parse(lines[i]), -EINVAL);
    assert_int_equal(parse("try --port 65535 --qos 0"), 0);
}

static void properties_are_bounded(void **unused)
{
    (void)unused;
    char line[2048] = "try";
    for (int i = 0; i < OPTION_PROPERTIES_MAX; i++)
        strcat(line, " --property=a=b");
    assert_int_equal(parse(line), 0);
    assert_int_equal(options.property_count, OPTION_PROPERTIES_MAX);
    strcat(line, " --property=a=b");
    assert_int_equal(parse(line), -EINVAL);
}

static void the_time_to_drain_has_a_unit_and_a_bound(void **unused)
{
    (void)unused;
    assert_int_equal(parse("try"), 0);
    assert_int_equal(options.drain_ns, 10 * NS_PER_S);
    assert_int_equal(parse("try --drain 1500ms"), 0);
    assert_int_equal(options.drain_ns, 1500 * NS_PER_MS);
    assert_int_equal(parse("try --drain 0s"), 0);
    assert_int_equal(options.drain_ns, 0);
    assert_int_equal(parse("try --drain 1h"), 0);
    assert_refused("try --drain 61m", "--drain '61m': at most 1h: see 'hark try --help'");
    assert_int_equal(parse("try --drain 10"), -EINVAL);
    assert_int_equal(parse("try --drain -1s"), -EINVAL);
    assert_int_equal(parse("try --drain 99999999999999999999s"), -EINVAL);
}

static void a_rate_is_a_number_a_second(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"0/s", "1001/s", "10", "10/m", "/s", "-1/s", "1.5/s", "99999999999/s"};
    assert_int_equal(parse("try"), 0);
    assert_int_equal(options.rate, 0);
    assert_int_equal(parse("try --rate 1000/s"), 0);
    assert_int_equal(options.rate, 1000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[64];
        snprintf(line, sizeof line, "try --rate %s", bad[i]);
        assert_int_equal(parse(line), -EINVAL);
    }
}

/* ---- settings ---- */

static struct settings settings;
static const struct surroundings world = {.home = "/home/u", .host = "gate way.local"};

static int resolve(const char *line, const struct surroundings *s, const struct node_config *config)
{
    assert_int_equal(parse(line), 0);
    return settings_resolve(&options, s, config, &settings, &diag);
}

static int finish(void **unused)
{
    (void)unused;
    settings_finish(&settings);
    return 0;
}

static struct node_broker brokers[] = {
    {.name = (char *)"site",
     .url = (char *)"mqtt://10.0.0.2:2883",
     .username = (char *)"gw7",
     .password_file = (char *)"/etc/hark/site.password",
     .protocol = 4,
     .keep_alive_s = 30,
     .line = 3,
     .column = 17},
    {.name = (char *)"lab", .url = (char *)"mqtt://u:p@lab", .keep_alive_s = 60},
    {.name = (char *)"bad", .url = (char *)"mqtt://:bad", .line = 9, .column = 12}};

static struct node_config config_with(size_t broker_count, const char *broker)
{
    return (struct node_config){.node = (char *)"gateway-7",
                                .state = (char *)"/var/state",
                                .manifests = (char *)"/etc/functions",
                                .functions = (char *)"/usr/lib/functions",
                                .broker = (char *)(uintptr_t)broker,
                                .brokers = brokers,
                                .broker_count = broker_count,
                                .file = (char *)"hark.yaml"};
}

static void defaults_fill_what_nobody_says(void **unused)
{
    (void)unused;
    assert_int_equal(resolve("try", &world, NULL), 0);
    assert_string_equal(settings.manifests, ".");
    assert_null(settings.functions);
    assert_string_equal(settings.node, "gate-way.local");
    assert_string_equal(settings.state, "/home/u/.local/state/hark");
    assert_string_equal(settings.brokers->url.host, "127.0.0.1");
    assert_int_equal(settings.brokers->url.port, 1883);
    assert_int_equal(settings.brokers->protocol, MQTT_AUTO);
    assert_int_equal(settings.brokers->keep_alive_s, 60);
    assert_int_equal(settings.dead_letters_max, 10000);
    assert_int_equal(settings.dead_letters_bytes, 64 << 20);
}

static void hark_yaml_wins_over_defaults(void **unused)
{
    (void)unused;
    struct node_config config = config_with(2, "site");
    assert_int_equal(resolve("try", &world, &config), 0);
    assert_string_equal(settings.manifests, "/etc/functions");
    assert_string_equal(settings.functions, "/usr/lib/functions");
    assert_string_equal(settings.node, "gateway-7");
    assert_string_equal(settings.state, "/var/state");
    assert_string_equal(settings.brokers->url.host, "10.0.0.2");
    assert_string_equal(settings.brokers->url.username, "gw7");
    assert_string_equal(settings.brokers->password_file, "/etc/hark/site.password");
    assert_int_equal(settings.brokers->protocol, MQTT_3_1_1);
    assert_int_equal(settings.brokers->keep_alive_s, 30);
}

static void the_environment_wins_over_hark_yaml(void **unused)
{
    (void)unused;
    struct node_config config = config_with(2, "site");
    struct surroundings s = world;
    s.broker = "lab";
    assert_int_equal(resolve("try", &s, &config), 0);
    assert_string_equal(settings.brokers->url.host, "lab");
    assert_string_equal(settings.brokers->url.password, "p");
    assert_null(settings.brokers->password_file);
}

static void flags_win_over_all(void **unused)
{
    (void)unused;
    struct node_config config = config_with(2, "site");
    struct surroundings s = world;
    s.broker = "lab";
    assert_int_equal(resolve("try --broker mqtt://flag:99 --node n1 here", &s, &config), 0);
    assert_string_equal(settings.brokers->url.host, "flag");
    assert_int_equal(settings.brokers->url.port, 99);
    assert_false(settings.brokers->url.has_username);
    assert_string_equal(settings.node, "n1");
    assert_string_equal(settings.manifests, "here");
}

static void the_only_broker_needs_no_choice_but_several_do(void **unused)
{
    (void)unused;
    struct node_config one = config_with(1, NULL), several = config_with(2, NULL);
    assert_int_equal(resolve("try", &world, &one), 0);
    assert_string_equal(settings.brokers->url.host, "10.0.0.2");
    settings_finish(&settings);
    assert_int_equal(resolve("try", &world, &several), EX_DATAERR);
    assert_string_equal(diag.file, "hark.yaml");
}

static void the_chosen_broker_comes_first_and_the_others_are_there(void **unused)
{
    (void)unused;
    struct node_config config = config_with(2, "lab");
    assert_int_equal(resolve("try", &world, &config), 0);
    assert_int_equal(settings.broker_count, 2);
    assert_string_equal(settings.brokers[0].name, "lab");
    assert_string_equal(settings.brokers[1].name, "site");
    assert_string_equal(settings.brokers[1].url.host, "10.0.0.2");
    settings_finish(&settings);
    assert_int_equal(resolve("try --broker mqtt://flag", &world, &config), 0);
    assert_int_equal(settings.broker_count, 3);
    assert_string_equal(settings.brokers[0].name, "default");
    assert_string_equal(settings.brokers[0].url.host, "flag");
}

static void a_broker_that_is_wrong_is_said_though_another_is_chosen(void **unused)
{
    (void)unused;
    struct node_config config = config_with(3, "site");
    assert_int_equal(resolve("try", &world, &config), EX_DATAERR);
    assert_int_equal(diag.line, 9);
}

static void a_ca_file_is_for_the_chosen_broker_and_for_tls(void **unused)
{
    (void)unused;
    struct node_config config = config_with(2, "site");
    assert_int_equal(resolve("try --broker mqtts://flag --ca-file my.crt", &world, &config), 0);
    assert_true(settings.brokers[0].url.is_tls);
    assert_string_equal(settings.brokers[0].ca_file, "my.crt");
    assert_null(settings.brokers[1].ca_file);
    settings_finish(&settings);
    assert_int_equal(resolve("try --ca-file my.crt", &world, &config), EX_USAGE);
    assert_string_equal(diag.text, "--ca-file: the broker's URL is mqtt://, without TLS: write mqtts://");
    assert_int_equal(resolve("try --broker wss://flag --ca-file my.crt", &world, &config), 0);
    assert_true(settings.brokers[0].url.is_tls && settings.brokers[0].url.is_web);
    settings_finish(&settings);
    assert_int_equal(resolve("try --broker ws://flag --ca-file my.crt", &world, &config), EX_USAGE);
    assert_string_equal(diag.text, "--ca-file: the broker's URL is ws://, without TLS: write wss://");
}

static void a_wrong_broker_is_said_with_its_source(void **unused)
{
    (void)unused;
    struct node_config config = config_with(3, "bad");
    struct surroundings s = world;
    assert_int_equal(resolve("try", &world, &config), EX_DATAERR);
    assert_int_equal(diag.line, 9);
    assert_int_equal(resolve("try --broker localhost", &world, NULL), EX_USAGE);
    assert_string_equal(diag.text,
                        "--broker: 'localhost' is no URL (mqtt://host) and no broker of hark.yaml, "
                        "which was not read: give --config FILE");
    s.broker = "amqp://user:secret@host";
    assert_int_equal(resolve("try", &s, NULL), EX_USAGE);
    assert_non_null(strstr(diag.text, "HARK_BROKER 'amqp://…'"));
    assert_null(strstr(diag.text, "secret"));
}

static void a_bad_node_name_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(resolve("try --node a/b", &world, NULL), EX_USAGE);
    assert_int_equal(resolve("try --node .hidden", &world, NULL), EX_USAGE);
    assert_int_equal(resolve("try --node=", &world, NULL), EX_USAGE);
    assert_int_equal(
        resolve("try --node 0123456789012345678901234567890123456789012345678901234567890123", &world, NULL),
        EX_USAGE);
}

static void any_host_makes_a_node_name(void **unused)
{
    (void)unused;
    char node[NODE_NAME_MAX + 1], host[200];
    settings_node_from_host("--", node);
    assert_string_equal(node, "hark");
    settings_node_from_host("-.a b\xc3\xa4", node);
    assert_string_equal(node, "a-b--");
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    settings_node_from_host(host, node);
    assert_int_equal(strlen(node), NODE_NAME_MAX);
}

static void state_has_its_place_for_everybody(void **unused)
{
    (void)unused;
    const struct surroundings root = {.is_root = true}, nobody = {.state_home = "relative"},
                              user = {.state_home = "/xdg", .home = "/home/u"};
    char *of_root = settings_default_state(&root), *of_user = settings_default_state(&user);
    assert_string_equal(of_root, "/var/lib/hark");
    assert_string_equal(of_user, "/xdg/hark");
    free(of_root);
    free(of_user);
    assert_null(settings_default_state(&nobody));
    assert_int_equal(resolve("try", &nobody, NULL), EX_USAGE);
}

#define settings_test(f) cmocka_unit_test_teardown(f, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_may_be_mixed),
        cmocka_unit_test(a_value_may_follow_an_equals_sign),
        cmocka_unit_test(after_two_dashes_all_are_arguments),
        cmocka_unit_test(nothing_given_leaves_the_defaults),
        cmocka_unit_test(mistakes_are_named_with_the_way_out),
        cmocka_unit_test(each_layer_is_waived_by_its_own_option),
        cmocka_unit_test(numbers_out_of_bounds_are_refused),
        cmocka_unit_test(properties_are_bounded),
        cmocka_unit_test(the_time_to_drain_has_a_unit_and_a_bound),
        cmocka_unit_test(a_rate_is_a_number_a_second),
        settings_test(defaults_fill_what_nobody_says),
        settings_test(hark_yaml_wins_over_defaults),
        settings_test(the_environment_wins_over_hark_yaml),
        settings_test(flags_win_over_all),
        settings_test(the_only_broker_needs_no_choice_but_several_do),
        settings_test(the_chosen_broker_comes_first_and_the_others_are_there),
        settings_test(a_broker_that_is_wrong_is_said_though_another_is_chosen),
        settings_test(a_ca_file_is_for_the_chosen_broker_and_for_tls),
        settings_test(a_wrong_broker_is_said_with_its_source),
        settings_test(a_bad_node_name_is_refused),
        settings_test(any_host_makes_a_node_name),
        settings_test(state_has_its_place_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

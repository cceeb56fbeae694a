/* script_test.c: functions that are scripts: what they are given, what they can do, and what is said of their
 * mistakes. */
#include "support/cleanup.h"
#include "support/cli.h"
#include "support/files.h"
#include "support/stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MANIFEST(handler)                                                                                    \
    "function: rules\nhandler: " handler "\ntriggers: [ { topic: \"in/{room}\" }, { every: 1h } ]\n"         \
    "publishes: [ \"out/#\" ]\nconfig: { limit: \"20\" }\n"

/* Its manifest, in a folder of its own. */
static const char *lua(const char *text)
{
    const char *folder = folder_create();
    file_print(path_in(folder, "rules.lua"), "%s", text);
    file_print(path_in(folder, "rules.yaml"), MANIFEST("rules.lua"));
    return path_in(folder, "rules.yaml");
}

static const char *js(const char *text)
{
    const char *folder = folder_create();
    file_print(path_in(folder, "rules.js"), "%s", text);
    file_print(path_in(folder, "rules.yaml"), MANIFEST("rules.js"));
    return path_in(folder, "rules.yaml");
}

static struct outcome ask(const char *manifest, const char *payload)
{
    return hark_command("invoke", manifest, "--topic", "in/hall", "--payload", payload, "--response-topic",
                        "me", "--correlation", "7", "--property", "unit=C", "--json");
}

static void assert_answers(const char *manifest, const char *line)
{
    struct outcome o = ask(manifest, "19");
    if (o.code != 0)
        fail_msg("%d: %s", o.code, o.err);
    assert_string_equal(o.out, line);
}

static void assert_ends(const char *manifest, int code, const char *why)
{
    struct outcome o = ask(manifest, "19");
    assert_contains(o.err, why);
    assert_int_equal(o.code, code);
    assert_string_equal(o.out, "");
}

static void a_script_publishes_what_a_message_can_have(void **unused)
{
    (void)unused;
    assert_answers(lua("function handle(m)\n"
                       "  hark.publish('out/' .. hark.capture('room'), m.payload .. hark.config('limit'),\n"
                       "    { qos = 2, retained = true, content_type = 'text/plain', response_topic = 'r',\n"
                       "      correlation = 'c', expiry_s = 60, properties = m.properties })\n"
                       "end\n"),
                   "{\"topic\":\"out/hall\",\"payload\":\"1920\",\"qos\":2,\"retained\":true,"
                   "\"content_type\":\"text/plain\",\"response_topic\":\"r\",\"correlation\":\"c\","
                   "\"properties\":[{\"key\":\"unit\",\"value\":\"C\"}],\"expiry_s\":60}\n");
}

static void a_script_is_given_all_of_a_message(void **unused)
{
    (void)unused;
    assert_answers(
        lua("function handle(m)\n"
            "  local p = m.properties[1]\n"
            "  hark.publish('out/a', table.concat({ m.topic, m.payload, m.qos, tostring(m.retained),\n"
            "    m.response_topic, m.correlation, m.expiry_s, p.key, p.value, hark.attempt(),\n"
            "    tostring(hark.budget_ns() > 0), tostring(m.content_type) }, ' '))\n"
            "end\n"),
        "{\"topic\":\"out/a\",\"payload\":\"in/hall 19 1 false me 7 0 unit C 1 true nil\",\"qos\":1,"
        "\"retained\":false}\n");
}

static void a_script_replies(void **unused)
{
    (void)unused;
    struct outcome o = ask(lua("function handle(m) hark.reply(m.payload .. '\\0!') end"), "19");
    assert_int_equal(o.code, 0);
    assert_contains(o.out, "\"topic\":\"me\"");
    assert_contains(o.out, "\"payload_base64\":\"MTkAIQ==\"");
    assert_contains(o.out, "\"correlation\":\"7\"");
}

static void a_tick_has_no_topic(void **unused)
{
    (void)unused;
    const char *manifest =
        lua("function handle(m) hark.publish('out/a', tostring(m.topic) .. m.properties[1].value) end");
    struct outcome o = hark_command("invoke", manifest, "--timer", "every 1h");
    assert_string_equal(o.out, "out/a nilevery 1h\n");
    assert_int_equal(o.code, 0);
}

static void a_script_keeps_its_globals(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("invoke",
                                    lua("function start() n = 7 end\n"
                                        "function handle() n = n + 1; hark.publish('out/n', n) end"),
                                    "--topic", "in/a", "--repeat", "3");
    assert_string_equal(o.out, "out/n 8\nout/n 9\nout/n 10\n");
}

static void results_and_errors_are_ends(void **unused)
{
    (void)unused;
    assert_ends(lua("function handle() return hark.RETRY end"), 1, "asked for a retry");
    assert_ends(lua("function handle() return hark.REJECT end"), 2, "rejected the message");
    assert_ends(lua("function handle() return 7 end"), 1,
                "rules.lua: handle() returned 7: return hark.OK, hark.RETRY, hark.REJECT or nothing");
    assert_ends(lua("function handle()\n  local x\n  x.y = 1\nend"), 1,
                "worker=1 rules.lua:3: attempt to index a nil value (local 'x')\n");
    assert_ends(lua("function handle() error({}) end"), 1, "rules.lua: error() was given a table");
    assert_ends(lua("function handle() hark.publish('out/a', 'x') error('late') end"), 1,
                "rules.lua:1: late\n");
}

static void what_cannot_be_published_is_an_error(void **unused)
{
    (void)unused;
    assert_ends(
        lua("\nfunction handle() hark.publish('nope', 'x') end"), 1,
        "rules.lua:2: publish to 'nope' refused: no pattern of the manifest's `publishes` matches it");
    assert_ends(lua("function handle() hark.publish('out/a', 'x', { qos = 3 }) end"), 1,
                "rules.lua:1: qos: a whole number from 0 to 2 is needed");
    assert_ends(lua("function handle() hark.publish('out/a', 'x', { retain = true }) end"), 1,
                "rules.lua:1: publish takes no retain: the options are qos, retained,");
    assert_ends(lua("function handle() hark.publish('out/a', 'x', { retained = 'false' }) end"), 1,
                "rules.lua:1: retained: true or false is needed");
    assert_ends(lua("function handle() hark.publish('out/a\\0b', 'x') end"), 1,
                "rules.lua:1: topic: it must not hold a zero byte");
    assert_ends(lua("function handle() hark.publish('out/a', 'x', { properties = { { key = 'a' } } }) end"),
                1, "rules.lua:1: value: a string is needed, not nil");
}

static void a_script_that_cannot_start_is_refused(void **unused)
{
    (void)unused;
    assert_ends(lua("function handle(m\n"), BAD_DATA, "rules.lua:2: ')' expected near <eof>\n");
    assert_ends(lua("handel = 1"), BAD_DATA,
                "rules.lua: it has no function handle: write function handle(message) ... end\n");
    assert_ends(lua(""), BAD_DATA, "rules.lua: it has no function handle");
    assert_ends(lua("function handle() end\nfunction start()\n  error('no sensor')\nend"), BAD_DATA,
                "rules.lua:3: no sensor\n");
    assert_ends(lua("function handle() end\nhark.publish('out/a', 'x')"), BAD_DATA,
                "rules.lua:2: publish to 'out/a' refused: only while a message is handled\n");
    assert_ends(lua("\033LuaS"), BAD_DATA, "rules.lua: this is compiled Lua: give its source\n");
}

static void a_byte_order_mark_is_no_mistake(void **unused)
{
    (void)unused;
    static const char line[] = "{\"topic\":\"out/a\",\"payload\":\"19\",\"qos\":1,\"retained\":false}\n";
    assert_answers(lua("\xef\xbb\xbf"
                       "function handle(m)\r\n  hark.publish('out/a', m.payload)\r\nend\r\n"),
                   line);
    assert_answers(js("\xef\xbb\xbf"
                      "function handle(m) {\r\n  hark.publish('out/a', m.payload)\r\n}\r\n"),
                   line);
    assert_ends(lua("\xef\xbb\xbf\033LuaS"), BAD_DATA, "rules.lua: this is compiled Lua: give its source\n");
}

static void hark_check_finds_the_line(void **unused)
{
    (void)unused;
    struct outcome o = hark_command("check", lua("function handle()\n  if\nend\n"));
    assert_contains(o.out, "rules.yaml:2:10: handler '");
    assert_contains(o.out, "rules.lua:3: unexpected symbol near 'end'\n");
    assert_int_equal(o.code, 1);
}

static void a_script_finds_nothing_that_opens_files(void **unused)
{
    (void)unused;
    static const char *const none[] = {"io",    "os",       "package", "require",
                                       "debug", "loadfile", "dofile",  "load"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char text[128];
        snprintf(text, sizeof text, "function handle() hark.reply(tostring(%s)) end", none[i]);
        assert_contains(ask(lua(text), "19").out, "\"payload\":\"nil\"");
    }
}

static void print_and_log_are_lines_of_the_log(void **unused)
{
    (void)unused;
    struct outcome o = ask(lua("function handle(m) print(m.payload, nil) hark.log('warn', '%s') end"), "19");
    assert_contains(o.err, "hark: function=rules worker=1 19\\x09nil\n");
    assert_contains(o.err, "hark: warning: function=rules worker=1 %s\n");
    assert_ends(lua("function handle() hark.log('loud', 'x') end"), 1,
                "rules.lua:1: log: no level 'loud': the levels are debug, info, warn and error");
}

#ifndef HARK_SANITIZED /* a sanitized worker has no limit of memory */
static void a_script_without_memory_fails_and_says_so(void **unused)
{
    (void)unused;
    const char *manifest = lua("function handle(m)\n"
                               "  if m.payload == 'ok' then return hark.reply('still here') end\n"
                               "  local t = {}\n"
                               "  while true do t[#t + 1] = ('x'):rep(100000) .. #t end\n"
                               "end");
    assert_ends(manifest, 1, "worker=1 rules.lua: not enough memory: raise `limits.memory`");
    struct process_options o = {
        .name = "hark",
        .argv = (const char *const[]){TEST_HARK, "invoke", manifest, NULL},
        .input = "[in/a] 1\n{\"topic\":\"in/a\",\"payload\":\"ok\",\"response_topic\":\"me\"}\n"};
    struct outcome both = command_run(&o);
    assert_string_equal(both.out, "me still here\n");
}

static void js_without_memory_fails_and_says_so(void **unused)
{
    (void)unused;
    assert_ends(js("function handle() { for (var s = 'x';;) s += s }"), 1,
                "worker=1 rules.js:1: Error: alloc failed: raise `limits.memory`");
}
#endif

static void a_script_that_hangs_is_killed(void **unused)
{
    (void)unused;
    const char *manifest = lua("function handle() while true do end end");
    FILE *f = fopen(manifest, "a");
    fputs("timeout: 300ms\n", f);
    fclose(f);
    assert_ends(manifest, 4, "did not finish within 300 ms");
}

static void a_script_that_others_may_write_is_refused(void **unused)
{
    (void)unused;
    const char *manifest = lua("function handle() end");
    char script[512];
    snprintf(script, sizeof script, "%.*s.lua", (int)(strlen(manifest) - strlen(".yaml")), manifest);
    assert_int_equal(chmod(script, 0666), 0);
    assert_ends(manifest, BAD_DATA, "can be written by");
}

static void a_hark_without_the_language_says_so(void **unused)
{
    (void)unused;
    const char *folder = folder_create();
    const char *manifest = lua("function handle() end");
    char setting[4200];
    file_copy(TEST_HARK_WORKER, path_in(folder, "hark-worker"));
    snprintf(setting, sizeof setting, "HARK_WORKER=%s", path_in(folder, "hark-worker"));
    struct outcome o = command_run(
        &(struct process_options){.name = "hark",
                                  .argv = (const char *const[]){TEST_HARK, "check", manifest, NULL},
                                  .environment = setting});
    assert_int_equal(o.code, 1);
    assert_contains(o.out, "this hark cannot run Lua, there is no ");
    assert_contains(o.out, "/hark-lua.so: build hark where liblua5.4-dev is installed\n");
}

static void a_script_written_over_is_deployed(void **unused)
{
    (void)unused;
    struct stage s = stage_set();
    file_print(hark_file(s.hark, "rules.lua"), "function handle() hark.publish('out/build', 'one') end");
    hark_manifest(s.hark, "rules", MANIFEST("rules.lua"));
    hark_wait_line(s.hark, "^hark: deployed rules ");
    device_publish(s.phone, "in/a", "x", 1);
    stage_expect(&s, "out/build", "one");
    file_print(hark_file(s.hark, "rules.lua"), "function handle( oops");
    hark_wait_line(s.hark, "^hark: error: refused [^ ]*rules.yaml: .*rules.lua:1: ");
    device_publish(s.phone, "in/a", "x", 1);
    stage_expect(&s, "out/build", "one");
    file_print(hark_file(s.hark, "rules.lua"), "function handle() hark.publish('out/build', 'two') end");
    hark_wait_line(s.hark, "^hark: deployed rules ");
    device_publish(s.phone, "in/a", "x", 1);
    stage_expect(&s, "out/build", "two");
}

static void the_thermostats_pass_the_cases_of_the_one_in_c(void **unused)
{
    (void)unused;
    static const char *const cases[] = {"thermostat-lua.test.yaml", "thermostat-js.test.yaml"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o = hark_command("test", path_in(TEST_EXAMPLES "/languages", cases[i]));
        if (o.code != 0)
            fail_msg("%s%s", o.out, o.err);
        assert_contains(o.out, "6 passed, 0 failed in ");
    }
}

static void js_publishes_what_a_message_can_have(void **unused)
{
    (void)unused;
    assert_answers(js("function handle(m) {\n"
                      "  hark.publish('out/' + hark.capture('room'), m.payload + hark.config('limit'),\n"
                      "    { qos: 2, retained: true, content_type: 'text/plain', response_topic: 'r',\n"
                      "      correlation: 'c', expiry_s: 60, properties: m.properties });\n"
                      "}\n"),
                   "{\"topic\":\"out/hall\",\"payload\":\"1920\",\"qos\":2,\"retained\":true,"
                   "\"content_type\":\"text/plain\",\"response_topic\":\"r\",\"correlation\":\"c\","
                   "\"properties\":[{\"key\":\"unit\",\"value\":\"C\"}],\"expiry_s\":60}\n");
}

static void js_is_given_all_of_a_message(void **unused)
{
    (void)unused;
    assert_answers(
        js("function handle(m) {\n"
           "  var p = m.properties[0];\n"
           "  hark.publish('out/a', [m.topic, m.payload, m.bytes.length, m.qos, m.retained, "
           "m.response_topic,\n"
           "    m.correlation[0], m.expiry_s, p.key, p.value, hark.attempt(), hark.budget_ns() > 0,\n"
           "    typeof m.content_type].join(' '));\n"
           "}\n"),
        "{\"topic\":\"out/a\",\"payload\":\"in/hall 19 2 1 false me 55 0 unit C 1 true undefined\",\"qos\":1,"
        "\"retained\":false}\n");
}

static void js_has_characters_where_messages_have_utf8(void **unused)
{
    (void)unused;
    struct outcome o =
        ask(js("function handle(m) { hark.reply(m.payload + m.payload.length + '\\ud83d\\ude00') }"),
            "\xc3\xa9\xf0\x9f\x98\x80");
    assert_contains(o.out, "\"payload\":\"\xc3\xa9\xf0\x9f\x98\x80"
                           "3\xf0\x9f\x98\x80\"");
    assert_int_equal(o.code, 0);
}

static void js_publishes_bytes(void **unused)
{
    (void)unused;
    struct outcome o = ask(js("function handle(m) { hark.reply(new Uint8Array([49, 57, 0, 33])) }"), "");
    assert_contains(o.out, "\"payload_base64\":\"MTkAIQ==\"");
    assert_int_equal(o.code, 0);
}

static void js_ticks_and_keeps_its_globals(void **unused)
{
    (void)unused;
    const char *manifest = js("var n;\nfunction start() { n = 7 }\n"
                              "function handle(m) { hark.publish('out/n', typeof m.topic + ++n) }");
    struct outcome o = hark_command("invoke", manifest, "--timer", "every 1h", "--repeat", "2");
    assert_string_equal(o.out, "out/n undefined8\nout/n undefined9\n");
}

static void js_results_and_errors_are_ends(void **unused)
{
    (void)unused;
    assert_ends(js("function handle() { return hark.RETRY }"), 1, "asked for a retry");
    assert_ends(js("function handle() { return hark.REJECT }"), 2, "rejected the message");
    assert_ends(js("function handle() { return 'ok' }"), 1,
                "handle() returned ok: return hark.OK, hark.RETRY, hark.REJECT or nothing");
    assert_ends(js("function handle() {\n  var x;\n  x.y = 1;\n}"), 1,
                "worker=1 rules.js:3: TypeError: cannot write property 'y' of undefined\n");
    assert_ends(js("function handle() { throw 'late' }"), 1, "worker=1 rules.js: late\n");
    assert_ends(js("function handle(m) { return handle(m) + 1 }"), 1, "rules.js:1: RangeError: ");
}

static void what_js_cannot_publish_is_an_error(void **unused)
{
    (void)unused;
    assert_ends(
        js("\nfunction handle() { hark.publish('nope', 'x') }"), 1,
        "rules.js:2: Error: publish to 'nope' refused: no pattern of the manifest's `publishes` matches it");
    assert_ends(js("function handle() { hark.publish('out/a', 'x', { qos: 3 }) }"), 1,
                "rules.js:1: TypeError: qos: a whole number from 0 to 2 is needed");
    assert_ends(js("function handle() { hark.publish('out/a', 'x', { retain: true }) }"), 1,
                "rules.js:1: TypeError: publish takes no retain: the options are qos, retained,");
    assert_ends(js("function handle() { hark.publish('out/a', 'x', { retained: 'false' }) }"), 1,
                "rules.js:1: TypeError: retained: true or false is needed");
    assert_ends(js("function handle() { hark.publish('out/a', {}) }"), 1,
                "rules.js:1: TypeError: payload: a string or bytes are needed; for an object there is "
                "JSON.stringify");
    assert_ends(js("function handle() { hark.publish('out/a\\0b', 'x') }"), 1,
                "rules.js:1: TypeError: topic: it must not hold a zero byte");
}

static void js_that_cannot_start_is_refused(void **unused)
{
    (void)unused;
    assert_ends(js("function handle(m) {\n"), BAD_DATA, "rules.js:2: SyntaxError: parse error");
    assert_ends(js("let x = 1;\nfunction handle() {}\n"), BAD_DATA,
                ": mind that this is ECMAScript 5.1, without let, =>, class and `...`\n");
    assert_ends(js("function handle() {}\nJSON.parse('x');"), BAD_DATA, "invalid json (at offset 1)\n");
    assert_ends(js("\xff\xfe"), BAD_DATA, ": it is not UTF-8: save it with that encoding\n");
    assert_ends(js(""), BAD_DATA,
                "rules.js: Error: it has no function handle: write function handle(message) {");
    assert_ends(js("function handle() {}\nfunction start() {\n  throw new Error('no sensor')\n}"), BAD_DATA,
                "rules.js:3: Error: no sensor\n");
}

static void js_finds_nothing_that_opens_files(void **unused)
{
    (void)unused;
    assert_contains(ask(js("function handle() { hark.reply([typeof require, typeof process, typeof load, "
                           "typeof readFile].join()) }"),
                        "")
                        .out,
                    "\"payload\":\"undefined,undefined,undefined,undefined\"");
}

static void console_and_log_are_lines_of_the_log(void **unused)
{
    (void)unused;
    struct outcome o = ask(
        js("function handle(m) { console.log(m.payload, null); print('p'); hark.log('warn', '%s') }"), "19");
    assert_contains(o.err, "hark: function=rules worker=1 19 null\n");
    assert_contains(o.err, "hark: function=rules worker=1 p\n");
    assert_contains(o.err, "hark: warning: function=rules worker=1 %s\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_script_publishes_what_a_message_can_have, end_of_test),
        cmocka_unit_test_teardown(a_script_is_given_all_of_a_message, end_of_test),
        cmocka_unit_test_teardown(a_script_replies, end_of_test),
        cmocka_unit_test_teardown(a_tick_has_no_topic, end_of_test),
        cmocka_unit_test_teardown(a_script_keeps_its_globals, end_of_test),
        cmocka_unit_test_teardown(results_and_errors_are_ends, end_of_test),
        cmocka_unit_test_teardown(what_cannot_be_published_is_an_error, end_of_test),
        cmocka_unit_test_teardown(a_script_that_cannot_start_is_refused, end_of_test),
        cmocka_unit_test_teardown(a_byte_order_mark_is_no_mistake, end_of_test),
        cmocka_unit_test_teardown(hark_check_finds_the_line, end_of_test),
        cmocka_unit_test_teardown(a_script_finds_nothing_that_opens_files, end_of_test),
        cmocka_unit_test_teardown(print_and_log_are_lines_of_the_log, end_of_test),
#ifndef HARK_SANITIZED
        cmocka_unit_test_teardown(a_script_without_memory_fails_and_says_so, end_of_test),
        cmocka_unit_test_teardown(js_without_memory_fails_and_says_so, end_of_test),
#endif
        cmocka_unit_test_teardown(a_script_that_hangs_is_killed, end_of_test),
        cmocka_unit_test_teardown(a_script_that_others_may_write_is_refused, end_of_test),
        cmocka_unit_test_teardown(a_hark_without_the_language_says_so, end_of_test),
        cmocka_unit_test_teardown(a_script_written_over_is_deployed, end_of_test),
        cmocka_unit_test_teardown(the_thermostats_pass_the_cases_of_the_one_in_c, end_of_test),
        cmocka_unit_test_teardown(js_publishes_what_a_message_can_have, end_of_test),
        cmocka_unit_test_teardown(js_is_given_all_of_a_message, end_of_test),
        cmocka_unit_test_teardown(js_has_characters_where_messages_have_utf8, end_of_test),
        cmocka_unit_test_teardown(js_publishes_bytes, end_of_test),
        cmocka_unit_test_teardown(js_ticks_and_keeps_its_globals, end_of_test),
        cmocka_unit_test_teardown(js_results_and_errors_are_ends, end_of_test),
        cmocka_unit_test_teardown(what_js_cannot_publish_is_an_error, end_of_test),
        cmocka_unit_test_teardown(js_that_cannot_start_is_refused, end_of_test),
        cmocka_unit_test_teardown(js_finds_nothing_that_opens_files, end_of_test),
        cmocka_unit_test_teardown(console_and_log_are_lines_of_the_log, end_of_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

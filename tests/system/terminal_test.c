/* terminal_test.c: what devices said is shown, and not obeyed, where a person looks at dead letters. What a
 * function publishes is in invoke_test, what it logs in unit/log_test. */
#include "support/cleanup.h"
#include "support/command.h"
#include "support/files.h"
#include "support/stage.h"

#include <stdio.h>
#include <string.h>

enum { ID_LEN = 16 };

#define dead_command(h, ...) hark_command("dead", "--state", (h)->state, "--node", TEST_NODE, __VA_ARGS__)

static struct stage stage_with_a_dead_letter(void)
{
    struct stage s = stage_set();
    stage_puppet(&s, "limits: { queue: 1 }\n");
    device_publish_message(s.phone, &(struct message){.topic = "puppet/do",
                                                      .payload = "reject",
                                                      .payload_len = 6,
                                                      .qos = 1,
                                                      .property_count = 1,
                                                      .keys = {"colour"},
                                                      .values = {"blue"}});
    device_wait(s.phone, "hark/dead/puppet");
    stage_still_serves(&s); /* it comes when the dead letter is kept, and its message acknowledged */
    return s;
}

/* In all that are kept, as sed(1) has it. */
static void change_headers(struct hark *h, const char *from, const char *to)
{
    char line[512];
    snprintf(line, sizeof line, "sed -i '1s#%s#%s#g' %s/dead/*", from, to, path_in(h->state, TEST_NODE));
    const char *const argv[] = {"sh", "-c", line, NULL};
    struct outcome o = command_run(&(struct process_options){.name = "sed", .argv = argv});
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, 0);
}

static void assert_harmless(const char *text, const char *shown)
{
    if (!strstr(text, shown))
        fail_msg("no %s in: %s", shown, text);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if ((*c < 0x20 && *c != '\n') || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            fail_msg("byte %zu of: %s", (size_t)(c - (const unsigned char *)text), text);
}

static void a_dead_letter_is_not_obeyed_by_a_terminal(void **unused)
{
    (void)unused;
    struct stage s = stage_with_a_dead_letter();
    char id[ID_LEN + 1];
    snprintf(id, sizeof id, "%s", dead_command(s.hark, "list").out);
    change_headers(s.hark, "\"puppet/do\"", "\"a\\\\u001B[2J\\\\u009B2J\\\\u007F\"");
    change_headers(s.hark, "\"blue\"", "\"b\\\\u001B[2J\\\\u009B2J\\\\u007F\"");
    change_headers(s.hark, "\"reject\"", "\"e\\\\u001B[2J\\\\u009B2J\\\\u007F\"");
    assert_harmless(dead_command(s.hark, "list").out, "a\\x1b[2J\\x9b2J\\x7f");
    assert_harmless(dead_command(s.hark, "list").out, "e\\x1b[2J\\x9b2J\\x7f");
    assert_harmless(dead_command(s.hark, "list", "--json").out, "\"a\\u001B[2J\\u009B2J\\u007F\"");
    assert_harmless(dead_command(s.hark, "show", id).out, "colour=b\\x1b[2J\\x9b2J\\x7f");
    assert_harmless(dead_command(s.hark, "show", "--json", id).out, "\"b\\u001B[2J\\u009B2J\\u007F\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(a_dead_letter_is_not_obeyed_by_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

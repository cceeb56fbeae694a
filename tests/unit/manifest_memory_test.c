/* Memory runs out at every single allocation of a parse in turn: an error each time, and nothing leaks (the
 * sanitizer's and valgrind's part of this test). */
#include "manifest/manifest.h"
#include "manifest/node_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static unsigned allocations_left; /* 0: the next one fails; all after it succeed */
static bool failing, failed;

static bool fails_now(void)
{
    if (!failing || failed || allocations_left-- > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

static int parse_manifest(const char *text, struct diags *diags)
{
    struct manifest *m = NULL;
    int r = manifest_parse("m.yaml", slice_of(text), &m, diags);
    manifest_free(m);
    return r;
}

static int parse_node_config(const char *text, struct diags *diags)
{
    struct node_config *config = NULL;
    int r = node_config_parse("m.yaml", slice_of(text), &config, diags);
    node_config_free(config);
    return r;
}

/* Says how many allocations the text takes. */
static unsigned starve(int (*parse)(const char *, struct diags *), const char *text, int expected)
{
    for (unsigned n = 0;; n++) {
        struct diags diags = {0};
        allocations_left = n;
        failing = true;
        failed = false;
        int r = parse(text, &diags);
        failing = false;
        diags_finish(&diags);
        assert_int_equal(r, failed ? -ENOMEM : expected);
        if (!failed)
            return n;
    }
}

static void a_good_manifest_survives_want_of_memory(void **unused)
{
    unsigned n = starve(parse_manifest,
                        "function: f\nhandler: f.so\ndescription: d\n"
                        "triggers: [{topic: \"a/{b}\"}, {topic: \"c/{b}\", share: s}, {cron: \"@daily\", "
                        "timezone: A/B}]\npublishes: [ \"x/{b}\", y ]\n"
                        "order: {b}\ndead_letter: z\nconfig: { k: v, l: { from_file: w } }\n"
                        "sandbox: { files: [ /a, { read: /b }, { write: /c } ],\n"
                        "  network: { tcp: [ 1, 2 ], unix: [ /d ] } }\n",
                        0);
    (void)unused;
    assert_true(n > 30);
}

static void a_bad_manifest_survives_want_of_memory(void **unused)
{
    unsigned n = starve(
        parse_manifest,
        "function: f\nfunction: g\nhandler: ''\ntriggers: [{topic: a, x: y}, 3]\npublishes: [ +a, y ]\n"
        "order: {b}\nconfig: { k: ~, l: w }\n"
        "sandbox: { files: [ /a, { read: /b, write: /c }, /a, { read: /a } ], network: { unix: [ /a/b ] } "
        "}\n",
        -EINVAL);
    (void)unused;
    assert_true(n > 30);
}

static void what_is_not_yaml_survives_want_of_memory(void **unused)
{
    unsigned n = starve(parse_manifest, "function: f\ntriggers: [ {topic: {a: \"b\n", -EINVAL);
    (void)unused;
    assert_true(n > 5);
}

static void a_node_config_survives_want_of_memory(void **unused)
{
    unsigned n = starve(parse_node_config,
                        "node: n\nstate: /s\nbroker: a\nbrokers: { a: { url: \"mqtt://h\", username: u,\n"
                        "  password_file: /p }, b: { url: \"mqtt://i\" } }\n",
                        0);
    (void)unused;
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_manifest_survives_want_of_memory),
        cmocka_unit_test(a_bad_manifest_survives_want_of_memory),
        cmocka_unit_test(what_is_not_yaml_survives_want_of_memory),
        cmocka_unit_test(a_node_config_survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

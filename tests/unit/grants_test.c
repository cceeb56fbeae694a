#include "shared/grants.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct grants some_of_each(void)
{
    return (struct grants){.paths = {{GRANT_READ, slice_of("/etc/site/table.csv")},
                                     {GRANT_WRITE, slice_of("/var/lib/site")},
                                     {GRANT_UNIX, slice_of("/run/db.sock")}},
                           .path_count = 3,
                           .ports = {5432, 65535},
                           .port_count = 2};
}

static void what_is_encoded_is_decoded(void **unused)
{
    (void)unused;
    char bytes[GRANTS_BYTES_MAX];
    const struct grants in = some_of_each();
    struct grants out;
    uint32_t len = grants_encode(&in, bytes);
    assert_int_equal(grants_decode(slice_make(bytes, len), &out), 0);
    assert_int_equal(out.path_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(out.paths[i].kind, in.paths[i].kind);
        assert_true(slice_equal(out.paths[i].path, in.paths[i].path));
        assert_int_equal(out.paths[i].path.data[out.paths[i].path.len], '\0');
    }
    assert_int_equal(out.port_count, 2);
    assert_int_equal(out.ports[0], 5432);
    assert_int_equal(out.ports[1], 65535);
}

static void no_grants_are_no_bytes(void **unused)
{
    (void)unused;
    char bytes[GRANTS_BYTES_MAX];
    struct grants none = {0}, out = some_of_each();
    assert_int_equal(grants_encode(&none, bytes), 0);
    assert_int_equal(grants_decode(slice_make(bytes, 0), &out), 0);
    assert_true(grants_empty(&out));
}

static void the_most_that_is_allowed_fits(void **unused)
{
    (void)unused;
    static char long_path[GRANTS_PATH_BYTES_MAX], names[GRANTS_PATHS_MAX][8], bytes[GRANTS_BYTES_MAX];
    struct grants in = {.path_count = GRANTS_PATHS_MAX, .port_count = GRANTS_PORTS_MAX}, out;
    for (int i = 0; i < GRANTS_PATHS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "/%c", 'a' + i);
        in.paths[i] = (struct grant){GRANT_READ, slice_of(names[i])};
        in.ports[i] = (uint16_t)(i + 1);
    }
    memset(long_path, 'x', sizeof long_path);
    long_path[0] = '/';
    in.paths[0].path = slice_make(long_path, GRANTS_PATH_BYTES_MAX - 2 * (GRANTS_PATHS_MAX - 1));
    uint32_t len = grants_encode(&in, bytes);
    assert_int_equal(len, GRANTS_BYTES_MAX);
    assert_int_equal(grants_decode(slice_make(bytes, len), &out), 0);
}

static void a_cut_or_a_longer_one_is_refused(void **unused)
{
    (void)unused;
    char bytes[GRANTS_BYTES_MAX + 1] = {0};
    const struct grants in = some_of_each();
    struct grants out;
    uint32_t len = grants_encode(&in, bytes);
    for (uint32_t cut = 1; cut < len; cut++)
        assert_int_equal(grants_decode(slice_make(bytes, cut), &out), -EBADMSG);
    assert_int_equal(grants_decode(slice_make(bytes, len + 1), &out), -EBADMSG);
}

static void it_is_refused(const struct grants *grants)
{
    static char bytes[GRANTS_BYTES_MAX];
    struct grants out;
    uint32_t len = grants_encode(grants, bytes);
    assert_int_equal(grants_decode(slice_make(bytes, len), &out), -EBADMSG);
}

static void what_a_manifest_may_not_say_is_refused(void **unused)
{
    (void)unused;
    struct grants g = some_of_each();
    g.paths[0].path = slice_of("/etc/../shadow");
    it_is_refused(&g);
    g = some_of_each();
    g.paths[1].path = slice_of("/etc/site");
    it_is_refused(&g);
    g = some_of_each();
    g.paths[1].kind = GRANT_UNIX + 1;
    it_is_refused(&g);
    g = some_of_each();
    g.ports[1] = 0;
    it_is_refused(&g);
}

static void counts_beyond_the_bounds_are_refused(void **unused)
{
    (void)unused;
    struct grants out;
    const uint32_t paths[] = {GRANTS_PATHS_MAX + 1, 0}, ports[] = {0, GRANTS_PORTS_MAX + 1}, none[] = {0, 0};
    assert_int_equal(grants_decode(slice_make(paths, sizeof paths), &out), -EBADMSG);
    assert_int_equal(grants_decode(slice_make(ports, sizeof ports), &out), -EBADMSG);
    assert_int_equal(grants_decode(slice_make(none, sizeof none), &out), -EBADMSG);
}

static void a_path_is_absolute_and_in_its_shortest_form(void **unused)
{
    (void)unused;
    static const char *const good[] = {"/a", "/etc/site", "/a/..b", "/a/.b", "/process", "/devices/x"};
    static const char *const bad[] = {"",    "a",    "a/b",   "/",     "/a/",       "//a",  "/a//b", "/a/.",
                                      "/..", "/./a", "/a/..", "/proc", "/proc/1/x", "/dev", "/dev/x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(grants_path_fault(slice_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(grants_path_fault(slice_of(bad[i])));
    assert_non_null(grants_path_fault(slice_make("/a\0b", 4)));
}

static void paths_overlap_by_whole_names(void **unused)
{
    (void)unused;
    assert_true(grants_overlap(slice_of("/a"), slice_of("/a")));
    assert_true(grants_overlap(slice_of("/a"), slice_of("/a/b")));
    assert_true(grants_overlap(slice_of("/a/b/c"), slice_of("/a")));
    assert_false(grants_overlap(slice_of("/a"), slice_of("/ab")));
    assert_false(grants_overlap(slice_of("/a/b"), slice_of("/a/c")));
}

/* ---- what the seal must have ---- */

static struct layer_state layers[LAYER_COUNT];

static void given_all_layers(uint32_t landlock_abi)
{
    memset(layers, 0, sizeof layers);
    layers[LAYER_LANDLOCK].detail = landlock_abi;
    if (landlock_abi < 6)
        layers[LAYER_LANDLOCK].status = LAYER_DEGRADED;
}

static void but_not(enum layer layer, enum layer_status status)
{
    layers[layer].status = status;
}

static bool refuses(enum grant_kind kind, uint32_t ports)
{
    struct grants g = {.ports = {1}, .port_count = ports};
    const char *key = NULL;
    if (kind)
        g.paths[g.path_count++] = (struct grant){kind, slice_of("/a")};
    const char *why = grants_refusal(&g, layers, &key);
    assert_true(!why || strncmp(key, "sandbox.", 8) == 0);
    return why != NULL;
}

static void the_whole_seal_enforces_all(void **unused)
{
    (void)unused;
    given_all_layers(6);
    assert_false(refuses(GRANT_READ, 1));
    assert_false(refuses(GRANT_WRITE, 0));
    assert_false(refuses(GRANT_UNIX, 1));
}

static void files_need_mounts_or_landlock(void **unused)
{
    (void)unused;
    given_all_layers(6);
    but_not(LAYER_LANDLOCK, LAYER_MISSING);
    assert_false(refuses(GRANT_WRITE, 0));
    but_not(LAYER_USERNS, LAYER_WAIVED);
    assert_true(refuses(GRANT_READ, 0)); /* an empty root into which nothing can be mounted */
    but_not(LAYER_ROOT, LAYER_MISSING);
    assert_true(refuses(GRANT_READ, 0));
    given_all_layers(3);
    but_not(LAYER_USERNS, LAYER_WAIVED);
    but_not(LAYER_ROOT, LAYER_WAIVED);
    assert_false(refuses(GRANT_WRITE, 0));
    layers[LAYER_LANDLOCK].detail = 2;
    assert_true(refuses(GRANT_WRITE, 0));
    assert_true(refuses(GRANT_READ, 0));
}

static void sockets_need_mounts(void **unused)
{
    (void)unused;
    given_all_layers(6);
    but_not(LAYER_ROOT, LAYER_MISSING);
    assert_true(refuses(GRANT_UNIX, 0));
    given_all_layers(6);
    but_not(LAYER_USERNS, LAYER_MISSING);
    assert_true(refuses(GRANT_UNIX, 0));
}

static void sockets_beside_the_machines_network_need_landlock_to_keep_from_abstract_ones(void **unused)
{
    (void)unused;
    given_all_layers(5);
    assert_false(refuses(GRANT_UNIX, 0));
    assert_true(refuses(GRANT_UNIX, 1));
    but_not(LAYER_NETNS, LAYER_WAIVED);
    assert_true(refuses(GRANT_UNIX, 0));
    given_all_layers(6);
    but_not(LAYER_NETNS, LAYER_WAIVED);
    assert_false(refuses(GRANT_UNIX, 1));
}

static void ports_need_landlock_and_the_filter(void **unused)
{
    (void)unused;
    given_all_layers(4);
    assert_false(refuses(0, 1));
    layers[LAYER_LANDLOCK].detail = 3;
    assert_true(refuses(0, 1));
    given_all_layers(6);
    but_not(LAYER_SECCOMP, LAYER_WAIVED);
    assert_true(refuses(0, 1));
    given_all_layers(6);
    but_not(LAYER_LANDLOCK, LAYER_WAIVED);
    assert_true(refuses(0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(no_grants_are_no_bytes),
        cmocka_unit_test(the_most_that_is_allowed_fits),
        cmocka_unit_test(a_cut_or_a_longer_one_is_refused),
        cmocka_unit_test(what_a_manifest_may_not_say_is_refused),
        cmocka_unit_test(counts_beyond_the_bounds_are_refused),
        cmocka_unit_test(a_path_is_absolute_and_in_its_shortest_form),
        cmocka_unit_test(paths_overlap_by_whole_names),
        cmocka_unit_test(the_whole_seal_enforces_all),
        cmocka_unit_test(files_need_mounts_or_landlock),
        cmocka_unit_test(sockets_need_mounts),
        cmocka_unit_test(sockets_beside_the_machines_network_need_landlock_to_keep_from_abstract_ones),
        cmocka_unit_test(ports_need_landlock_and_the_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

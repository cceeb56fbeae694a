/* What a build is made of, and when `hark dev` builds. */
#include "cli/dev_rebuild.h"
#include "cli/dev_source.h"
#include "support/test.h"

static void sources_and_what_build_systems_read_are_sources(void **unused)
{
    (void)unused;
    static const char *const sources[] = {
        "a.c",        "a.h",      "a.cc",     "a.cpp",       "a.hpp",      "lib.rs", "CMakeLists.txt",
        "hark.cmake", "rules.mk", "Makefile", "GNUmakefile", "Cargo.toml", "a.b.c",  "config.h.in"};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        if (!dev_source_is(sources[i]))
            fail_msg("%s is a source", sources[i]);
    }
}

static void what_editors_and_builds_leave_is_no_source(void **unused)
{
    (void)unused;
    static const char *const others[] = {"a.c~", ".a.c.swp", "#a.c#",  ".#a.c",       "4913",    "a.c.orig",
                                         "a.o",  "a.so",     "a.yaml", "c",           "a.c.bak", "Cargo.lock",
                                         ".c",   "",         "a.lua",  "makefile.txt"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (dev_source_is(others[i]))
            fail_msg("%s is no source", others[i]);
    }
}

static void hidden_folders_and_those_of_builds_have_none(void **unused)
{
    (void)unused;
    assert_true(dev_source_may_be_in("src"));
    assert_false(dev_source_may_be_in(".git"));
    assert_false(dev_source_may_be_in("."));
    assert_false(dev_source_may_be_in(".."));
    assert_false(dev_source_may_be_in("CMakeFiles"));
    assert_false(dev_source_may_be_in("target"));
}

static void a_change_is_built(void **unused)
{
    (void)unused;
    enum rebuild_state state = REBUILD_RESTS;
    assert_true(rebuild_step(&state, REBUILD_CHANGED));
    assert_false(rebuild_step(&state, REBUILD_ENDED));
    assert_int_equal(state, REBUILD_RESTS);
    assert_true(rebuild_step(&state, REBUILD_CHANGED));
}

static void changes_during_a_build_are_built_once_more(void **unused)
{
    (void)unused;
    enum rebuild_state state = REBUILD_RESTS;
    assert_true(rebuild_step(&state, REBUILD_CHANGED));
    assert_false(rebuild_step(&state, REBUILD_CHANGED));
    assert_false(rebuild_step(&state, REBUILD_CHANGED));
    assert_true(rebuild_step(&state, REBUILD_ENDED));
    assert_false(rebuild_step(&state, REBUILD_ENDED));
    assert_int_equal(state, REBUILD_RESTS);
}

static void nothing_is_built_after_the_end(void **unused)
{
    (void)unused;
    for (int before = 0; before < REBUILD_STATES; before++) {
        enum rebuild_state state = (enum rebuild_state)before;
        assert_false(rebuild_step(&state, REBUILD_STOPPED));
        assert_false(rebuild_step(&state, REBUILD_CHANGED));
        assert_false(rebuild_step(&state, REBUILD_ENDED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_and_what_build_systems_read_are_sources),
        cmocka_unit_test(what_editors_and_builds_leave_is_no_source),
        cmocka_unit_test(hidden_folders_and_those_of_builds_have_none),
        cmocka_unit_test(a_change_is_built),
        cmocka_unit_test(changes_during_a_build_are_built_once_more),
        cmocka_unit_test(nothing_is_built_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which layers stop hark, and what it says of them. */
#include "dispatcher/seal_policy.h"
#include "support/test.h"

#include <errno.h>
#include <string.h>

static struct zygote_layers seal;

static void without(enum layer layer, enum layer_status status)
{
    seal = (struct zygote_layers){.type = ZYGOTE_LAYERS};
    seal.layers[layer] = (struct layer_state){.status = status, .error = status == LAYER_WAIVED ? 0 : ENOSYS};
}

static void the_seal_fails_closed_without_any_mandatory_layer(void **unused)
{
    (void)unused;
    static const enum layer mandatory[] = {LAYER_UID, LAYER_LIMITS, LAYER_NNP, LAYER_SECCOMP};
    for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++) {
        without(mandatory[i], LAYER_MISSING);
        assert_false(seal_holds(&seal));
        without(mandatory[i], LAYER_WAIVED);
        assert_true(seal_holds(&seal));
    }
}

static void the_others_may_be_missing(void **unused)
{
    (void)unused;
    static const enum layer optional[] = {LAYER_USERNS, LAYER_PIDNS, LAYER_ROOT,    LAYER_NETNS,
                                          LAYER_IPCNS,  LAYER_MDWE,  LAYER_LANDLOCK};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        without(optional[i], LAYER_MISSING);
        assert_true(seal_holds(&seal));
    }
}

static void files_are_kept_off_by_landlock_or_by_the_root(void **unused)
{
    (void)unused;
    without(LAYER_ROOT, LAYER_MISSING);
    seal.layers[LAYER_LANDLOCK].status = LAYER_MISSING;
    assert_true(seal_layer_is_fatal(&seal, LAYER_LANDLOCK));
    assert_false(seal_holds(&seal));
    seal.layers[LAYER_LANDLOCK].status = LAYER_WAIVED;
    assert_true(seal_holds(&seal));
}

static void a_status_that_is_none_counts_as_missing(void **unused)
{
    (void)unused;
    without(LAYER_SECCOMP, (enum layer_status)99);
    assert_false(seal_holds(&seal));
    assert_string_equal(layer_status_name((enum layer_status)99), "missing");
}

static void a_layer_is_described_with_reason_and_remedy(void **unused)
{
    (void)unused;
    char line[SEAL_LINE_MAX];
    for (int i = 0; i < LAYER_COUNT; i++) {
        without((enum layer)i, LAYER_MISSING);
        seal_describe(&seal, (enum layer)i, line);
        assert_non_null(strstr(line, layer_name((enum layer)i)));
        assert_non_null(strstr(line, "is missing (Function not implemented)"));
        assert_non_null(strstr(line, layer_meaning((enum layer)i)));
        assert_non_null(strstr(line, layer_remedy((enum layer)i)));
    }
    without(LAYER_MDWE, LAYER_WAIVED);
    assert_non_null(strstr(seal_describe(&seal, LAYER_MDWE, line), "mdwe is waived by --insecure=mdwe: "));
}

static void a_landlock_of_an_older_kernel_says_what_it_lacks(void **unused)
{
    (void)unused;
    char line[SEAL_LINE_MAX];
    seal = (struct zygote_layers){.type = ZYGOTE_LAYERS};
    seal.layers[LAYER_LANDLOCK] = (struct layer_state){.status = LAYER_DEGRADED, .detail = 2};
    seal_describe(&seal, LAYER_LANDLOCK, line);
    assert_non_null(
        strstr(line, "landlock is degraded (its version 2 here knows no abstract sockets and no signals): "));
    assert_non_null(strstr(line, "Linux 6.12"));
    assert_true(seal_holds(&seal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seal_fails_closed_without_any_mandatory_layer),
        cmocka_unit_test(the_others_may_be_missing),
        cmocka_unit_test(files_are_kept_off_by_landlock_or_by_the_root),
        cmocka_unit_test(a_status_that_is_none_counts_as_missing),
        cmocka_unit_test(a_layer_is_described_with_reason_and_remedy),
        cmocka_unit_test(a_landlock_of_an_older_kernel_says_what_it_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

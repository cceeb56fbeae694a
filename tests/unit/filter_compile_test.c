/* filter_compile_test.c: rules about system calls and the program made from them, by interpreting it. What
 * the workers' own rules come to, filter_test.c says. */
#include "support/test.h"

#include "filter_programs.h"
#include "worker/filter_compile.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>

#define ALLOW  SECCOMP_RET_ALLOW
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define KILL   SECCOMP_RET_KILL_PROCESS
#define WHOLE  UINT32_MAX

static struct sock_filter code[FILTER_PROGRAM_MAX];
static struct filter_variant program = {.arch = AUDIT_ARCH_X86_64, .program = code, .name = "the program"};

static void given(const struct filter_rule *rules, size_t count)
{
    program.count = filter_compile(program.arch, SECCOMP_RET_ERRNO | EPERM, rules, count, code);
    assert_int_not_equal(program.count, 0);
}

static void then(int number, uint64_t first, uint64_t second, uint32_t expected)
{
    struct seccomp_data data = {.nr = number, .arch = program.arch, .args = {first, second}};
    assert_int_equal(filter_run(&program, &data), expected);
}

static void without_a_rule_every_call_is_refused(void **unused)
{
    (void)unused;
    given(NULL, 0);
    then(0, 0, 0, REFUSE);
    then(1023, 0, 0, REFUSE);
    then(-1, 0, 0, REFUSE);
}

static void a_rule_is_about_its_number_alone(void **unused)
{
    (void)unused;
    given((struct filter_rule[]){{.number = 7, .action = ALLOW}, {.number = 0, .action = KILL}}, 2);
    then(0, 0, 0, KILL);
    then(1, 0, 0, REFUSE);
    then(6, 0, 0, REFUSE);
    then(7, 0, 0, ALLOW);
    then(8, 0, 0, REFUSE);
}

static void the_first_rule_that_applies_decides(void **unused)
{
    (void)unused;
    given((struct filter_rule[]){{5, ALLOW, 1, {{0, WHOLE, 9, 9}}}, {5, KILL, 0, {{0}}}}, 2);
    then(5, 9, 0, ALLOW);
    then(5, 8, 0, KILL);
}

static void values_of_an_argument_lie_in_a_tree(void **unused)
{
    (void)unused;
    enum { VALUES = 60 };
    struct filter_rule rules[VALUES + 1] = {{3, ALLOW, 1, {{1, WHOLE, 0, 4}}}};
    for (unsigned i = 1; i <= VALUES; i++)
        rules[i] = (struct filter_rule){3, ALLOW, 1, {{1, WHOLE, 1000 - 10 * i, 1000 - 10 * i}}};
    given(rules, VALUES + 1);
    for (unsigned value = 0; value < 1100; value++)
        then(3, 0, value, value <= 4 || (value >= 400 && value < 1000 && value % 10 == 0) ? ALLOW : REFUSE);
    then(3, 0, UINT32_MAX, REFUSE);
}

static void rules_with_a_check_in_common_each_have_their_say(void **unused)
{
    (void)unused;
    const struct filter_check own = {1, 0xff, 2, 2};
    given((struct filter_rule[]){{9, ALLOW, 2, {own, {0, 4, 0, 0}}}, {9, ALLOW, 2, {own, {0, 2, 0, 0}}}}, 2);
    then(9, 4, 2, ALLOW);
    then(9, 2, 0x102, ALLOW);
    then(9, 6, 2, REFUSE);
    then(9, 0, 3, REFUSE);
}

/* The kernel takes no more of most arguments; of a pointer, all. */
static void a_half_outside_the_mask_is_not_looked_at(void **unused)
{
    (void)unused;
    const uint64_t high = 1ull << 32;
    given((struct filter_rule[]){{1, ALLOW, 1, {{0, WHOLE, 5, 5}}}, {2, ALLOW, 1, {{0, UINT64_MAX, 0, 0}}}},
          2);
    then(1, high | 5, 0, ALLOW);
    then(2, 0, 0, ALLOW);
    then(2, high, 0, REFUSE);
    then(2, 1, 0, REFUSE);
}

static void what_is_too_far_for_a_jump_is_reached_all_the_same(void **unused)
{
    (void)unused;
    enum { CALLS = 120 };
    struct filter_rule rules[CALLS];
    for (unsigned i = 0; i < CALLS; i++)
        rules[i] = (struct filter_rule){3 * i, i % 2 ? ALLOW : KILL, 1, {{0, WHOLE, i / 2, i / 2}}};
    given(rules, CALLS);
    assert_true(program.count > 256);
    for (unsigned i = 0; i < CALLS; i++) {
        then((int)(3 * i), i / 2, 0, i % 2 ? ALLOW : KILL);
        then((int)(3 * i), i / 2 + 1, 0, REFUSE);
        then((int)(3 * i + 1), i / 2, 0, REFUSE);
    }
}

static void what_it_cannot_express_is_no_program(void **unused)
{
    (void)unused;
    const struct filter_rule impossible[] = {
        {1, ALLOW, 1, {{0, UINT64_MAX, 1, 9}}}, /* a range of pointers */
        {1, ALLOW, 1, {{0, 0xff, 3, 9}}},       /* a range of a part */
    };
    const struct filter_rule overlapping[] = {{1, ALLOW, 1, {{0, WHOLE, 0, 9}}},
                                              {1, KILL, 1, {{0, WHOLE, 9, 9}}}};
    assert_int_equal(filter_compile(program.arch, SECCOMP_RET_ERRNO | EPERM, &impossible[0], 1, code), 0);
    assert_int_equal(filter_compile(program.arch, SECCOMP_RET_ERRNO | EPERM, &impossible[1], 1, code), 0);
    assert_int_equal(filter_compile(program.arch, SECCOMP_RET_ERRNO | EPERM, overlapping, 2, code), 0);
}

/* Each instruction is paid for at the birth of every worker: a quarter of a microsecond. */
static void the_workers_programs_are_short(void **unused)
{
    (void)unused;
    filter_list();
    for (size_t i = 0; i < FILTER_VARIANTS; i++) {
        size_t most = filter_variants[i].kind == 0 ? 180 : 320;
        if (filter_variants[i].count > most)
            fail_msg("%s: %zu instructions, at most %zu are meant", filter_variants[i].name,
                     filter_variants[i].count, most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rule_every_call_is_refused),
        cmocka_unit_test(a_rule_is_about_its_number_alone),
        cmocka_unit_test(the_first_rule_that_applies_decides),
        cmocka_unit_test(values_of_an_argument_lie_in_a_tree),
        cmocka_unit_test(rules_with_a_check_in_common_each_have_their_say),
        cmocka_unit_test(a_half_outside_the_mask_is_not_looked_at),
        cmocka_unit_test(what_is_too_far_for_a_jump_is_reached_all_the_same),
        cmocka_unit_test(what_it_cannot_express_is_no_program),
        cmocka_unit_test(the_workers_programs_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

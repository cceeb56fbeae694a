/* attack_test.c: a function can harm only itself.
 *
 * Every function of tests/functions/hostile/ attacks inside a real hark, one family in one hark, and must get
 * exactly what the tables of attack/ say. Meanwhile a well-behaved function answers everything, and in the
 * end nothing is left of any attack. All of it with and without user namespaces; started by root and by
 * nobody when the tests run as root, else by who runs them. */
#include "attack/siege.h"
#include "support/cleanup.h"
#include "support/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEADY_PER_SECOND = 100, STEADY_MOST = 60000, MODES_MAX = 6, TESTS_MAX = 96 };

struct trial {
    struct siege_mode mode;
    const struct family *family;
    char name[120];
};

static const char *expected(const struct siege *s, const struct attack *a)
{
    if (s->mode.seal != WHOLE_SEAL && siege_has_namespaces(s->mode))
        return a->uncounted ? a->uncounted : a->sealed;
    if (s->mode.seal == WHOLE_SEAL || !a->degraded)
        return a->sealed;
    return s->mode.user == AS_ROOT && a->by_root ? a->by_root : a->degraded;
}

static bool is_said(const char *outcome)
{
    return strncmp(outcome, "said: ", 6) == 0;
}

/* hark ended its worker, in contrast to: it was told no and went on. */
static bool is_death(const char *outcome)
{
    return strncmp(outcome, "SIG", 3) == 0 || strncmp(outcome, "exit ", 5) == 0 ||
           strncmp(outcome, "broken: ", 8) == 0 || is_said(outcome) || strcmp(outcome, "timeout") == 0;
}

static bool differs(const struct attack *a, const char *got, const char *wanted)
{
    bool different = strcmp(got, wanted) != 0;
    if (different)
        print_error("%s: '%s' instead of '%s'\n", a->name, got, wanted);
    return different;
}

/* Runs them all before it fails, so that one look shows every hole. */
static size_t attack_with(struct siege *s, const struct attack *attacks)
{
    size_t surprises = 0;
    for (const struct attack *a = attacks; a->name; a++)
        surprises += differs(a, siege_attack(s, a, is_said(expected(s, a))), expected(s, a));
    return surprises;
}

/* One line for each worker that was ended, none for the others. */
static size_t check_log(struct siege *s, const struct attack *attacks)
{
    size_t surprises = 0;
    for (const struct attack *a = attacks; a->name; a++) {
        size_t lines = siege_deaths(s, a);
        if (lines == is_death(expected(s, a)))
            continue;
        print_error("%s: hark says %zu times that its worker ended\n", a->name, lines);
        surprises++;
    }
    return surprises;
}

/* Each line that a flood logged is somewhere: in the log, or in the numbers of what was dropped. */
static size_t check_floods(struct siege *s, const struct attack *attacks)
{
    size_t surprises = 0;
    for (const struct attack *a = attacks; a->name; a++) {
        size_t logged = a->lines ? siege_logged(s, a) : 0;
        if (logged == a->lines)
            continue;
        print_error("%s: %zu of %u lines were logged, or dropped and counted\n", a->name, logged, a->lines);
        surprises++;
    }
    return surprises;
}

/* In the folder are what the test put there: a handler of each, the sibling, two files with a secret,
 * and manifests of neighbours. */
static void assert_no_file(struct siege *s, const struct attack *attacks)
{
    size_t handlers = 0;
    while (attacks[handlers].name)
        handlers++;
    assert_int_equal(traces_files("/tmp/hark-attack-*"), 0);
    assert_int_equal(traces_files(hark_file(s->hark, "*")),
                     handlers + 2 + 2 + s->mode.has_grants + s->mode.has_network);
}

static void assert_no_trace(struct siege *s)
{
    struct traces now;
    bool returned = traces_return_to(s->hark->process->pid, &s->before, &now);
    if (!returned)
        print_error("%zu descriptors, %zu memfds, processes:%s; before: %zu, %zu,%s\n", now.descriptors,
                    now.memfds, now.names, s->before.descriptors, s->before.memfds, s->before.names);
    assert_true(returned);
    assert_int_equal(traces_find(s->hark->process->pid, "hark-zygote"), s->zygote);
    assert_int_equal(traces_find(s->hark->process->pid, "hark:sibling"), s->sibling);
}

static void they_harm_only_themselves(void **state)
{
    const struct trial *t = *state;
    struct siege_mode mode = t->mode;
    mode.has_grants = t->family->has_grants;
    mode.has_network = t->family->has_network;
    struct siege s = siege_begin(mode);
    struct steady *steady = siege_start_steady(&s, STEADY_PER_SECOND, STEADY_MOST);
    siege_deploy(&s, t->family->attacks);
    size_t surprises = attack_with(&s, t->family->attacks);
    siege_undeploy(&s, t->family->attacks); /* its last line stands behind all others in hark's log */
    surprises += check_log(&s, t->family->attacks) + check_floods(&s, t->family->attacks);
    steady_await(steady, steady_sent(steady));
    assert_int_equal(steady_finish(steady), 0);
    assert_int_equal(surprises, 0);
    assert_no_trace(&s);
    assert_no_file(&s, t->family->attacks);
    siege_end(&s);
}

static size_t choose_modes(struct siege_mode modes[MODES_MAX])
{
    static const struct siege_mode as_root[] = {{AS_ROOT, WHOLE_SEAL},        {AS_NOBODY, WHOLE_SEAL},
                                                {AS_ROOT, NO_USER_NAMESPACE}, {AS_NOBODY, NO_USER_NAMESPACE},
                                                {AS_ROOT, NO_NAMESPACES},     {AS_NOBODY, NO_NAMESPACES}};
    static const struct siege_mode as_self[] = {
        {AS_SELF, WHOLE_SEAL}, {AS_SELF, NO_USER_NAMESPACE}, {AS_SELF, NO_NAMESPACES}};
    bool root = geteuid() == 0;
    size_t count = root ? sizeof as_root / sizeof *as_root : sizeof as_self / sizeof *as_self;
    memcpy(modes, root ? as_root : as_self, count * sizeof *modes);
    return count;
}

static void name_trial(struct trial *t)
{
    static const char *const users[] = {
        [AS_ROOT] = "started by root", [AS_NOBODY] = "started by nobody", [AS_SELF] = "as an ordinary user"};
    static const char *const seals[] = {[WHOLE_SEAL] = "",
                                        [NO_USER_NAMESPACE] = ", without user namespaces",
                                        [NO_NAMESPACES] = ", without namespaces"};
    snprintf(t->name, sizeof t->name, "%s harm only themselves, %s%s", t->family->name, users[t->mode.user],
             seals[t->mode.seal]);
}

static size_t list_trials(struct trial trials[TESTS_MAX])
{
    struct siege_mode modes[MODES_MAX];
    size_t mode_count = choose_modes(modes), count = 0;
    for (size_t m = 0; m < mode_count; m++)
        for (size_t f = 0; f < family_count; f++) {
            assert_true(count < TESTS_MAX);
            trials[count] = (struct trial){.mode = modes[m], .family = &families[f]};
            name_trial(&trials[count++]);
        }
    return count;
}

int main(int argc, char **argv)
{
    static struct trial trials[TESTS_MAX];
    struct CMUnitTest tests[TESTS_MAX];
    size_t count = list_trials(trials);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = trials[i].name,
                                       .test_func = they_harm_only_themselves,
                                       .teardown_func = end_of_test,
                                       .initial_state = &trials[i]};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]); /* a name with wildcards */
    return _cmocka_run_group_tests("attacks", tests, count, NULL, NULL);
}

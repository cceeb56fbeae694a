/* attack_latency_test.c: what attackers cost a function that behaves: none of its messages, little of its
 * time.
 *
 * It answers 1,000 messages a second. Windows in which everybody is quiet take turns with windows in which
 * others attack all the time, so that whatever else the machine does falls on both alike; the median of each
 * kind is compared.
 *
 * Three times the quiet p99 is the aim. What is asserted leaves room on top: for the tick of the scheduler,
 * which on a quiet machine is many times the p99 itself. Attackers that use up all processors share them with
 * everybody else until a cgroup says otherwise; there the room only tells waiting for a processor from
 * waiting for an attacker, all of which are killed after SOON. Where this test is given cgroups (subtree.h),
 * such attackers have to leave the sibling as much as the others do. */
#include "attack/siege.h"
#include "subtree.h"
#include "support/cleanup.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 5, TIMES_SLOWER = 3 };

struct pace {
    unsigned per_second;
    size_t window, warm_up; /* messages */
    unsigned attacks;       /* of each kind at one time */
};

static const struct pace usual = {.per_second = 1000, .window = 1500, .warm_up = 500, .attacks = 1};
/* An attack that outlasts its window takes its time from nobody but the test. */
static size_t most(const struct pace *p)
{
    return 8 * ROUNDS * p->window + p->warm_up;
}

#define SOON "timeout: 200ms\n"

static const struct attack frugal[] = {
    {"stop_itself", .manifest = SOON},
    {"pipe_bomb"},
    {"fork"},
    {"null_write"},
    {"exit0"},
    {"write_every_fd"},
    {0},
};

static const struct attack greedy[] = {
    {"busy_loop", .manifest = SOON}, {"call_storm", .manifest = SOON}, {"heap_bomb"}, {"recursion"}, {0},
};

/* All at once, again and again, until the sibling has been asked number `until`. Returns how many attacks. */
static size_t attack_until(struct siege *s, const struct attack *attacks, unsigned each,
                           struct steady *steady, size_t until)
{
    size_t count = 0, owed = 0;
    const struct attack *a;
    while (steady_sent(steady) < until) {
        for (unsigned i = 0; i < each; i++)
            for (a = attacks; a->name; a++, owed++)
                siege_provoke(s, a);
        for (; owed > 0; owed--, count++)
            (void)device_wait(s->phone, "#"); /* each has an outcome, in any order */
    }
    return count;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double median_ms(uint64_t ns[ROUNDS])
{
    qsort(ns, ROUNDS, sizeof *ns, by_size);
    uint64_t median_ns = ns[ROUNDS / 2];
    return (double)median_ns / 1e6;
}

static uint64_t quiet_p99_ns(struct steady *steady, size_t window)
{
    size_t from = steady_sent(steady);
    for (size_t number = from; number < from + window; number++)
        steady_await(steady, number); /* in any order */
    return steady_p99_ns(steady, from, from + window);
}

static uint64_t attacked_p99_ns(struct siege *s, const struct attack *attacks, struct steady *steady,
                                const struct pace *pace, size_t *count)
{
    size_t from = steady_sent(steady);
    *count += attack_until(s, attacks, pace->attacks, steady, from + pace->window);
    size_t to = steady_sent(steady);
    for (size_t number = from; number < to; number++)
        steady_await(steady, number);
    return steady_p99_ns(steady, from, to);
}

static void attacked_by(const struct attack *attacks, const struct pace *pace, const char *cgroup,
                        double room_ms)
{
    struct siege s =
        siege_begin((struct siege_mode){.user = geteuid() == 0 ? AS_ROOT : AS_SELF, .cgroup = cgroup});
    siege_deploy(&s, attacks);
    struct steady *steady = siege_start_steady(&s, pace->per_second, most(pace));
    steady_await(steady, pace->warm_up);
    uint64_t quiet_ns[ROUNDS], attacked_ns[ROUNDS];
    size_t count = 0;
    for (int i = 0; i < ROUNDS; i++) {
        quiet_ns[i] = quiet_p99_ns(steady, pace->window);
        attacked_ns[i] = attacked_p99_ns(&s, attacks, steady, pace, &count);
    }
    assert_int_equal(steady_finish(steady), 0);
    double quiet = median_ms(quiet_ns), attacked = median_ms(attacked_ns);
    print_message("p99 at %u/s: %.2f ms when all is quiet, %.2f ms during %zu attacks: %.1f times\n",
                  pace->per_second, quiet, attacked, count, attacked / quiet);
    assert_true(attacked <= TIMES_SLOWER * quiet + room_ms);
    siege_end(&s);
}

static void attackers_cost_a_sibling_no_message_and_little_time(void **unused)
{
    (void)unused;
    attacked_by(frugal, &usual, NULL, 10);
}

static void attackers_that_use_up_the_processors_cost_a_sibling_no_message(void **unused)
{
    (void)unused;
    attacked_by(greedy, &usual, NULL, 100);
}

/* As many at a time as there are processors, each of which could fill one. */
static const struct attack crowds[] = {
    {"busy_loop", .manifest = "timeout: 1s\ninstances: { max: 256 }\norder: none\n"},
    {"call_storm", .manifest = "timeout: 1s\ninstances: { max: 256 }\norder: none\n"},
    {0},
};

/* At a pace that leaves time over on an emulated machine, too. */
static void in_cgroups_crowds_of_attackers_cost_a_sibling_little_time(void **unused)
{
    (void)unused;
    subtree_needed();
    const struct pace pace = {
        .per_second = 20, .window = 100, .warm_up = 20, .attacks = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
    attacked_by(crowds, &pace, subtree_create(), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(attackers_cost_a_sibling_no_message_and_little_time),
        system_test(attackers_that_use_up_the_processors_cost_a_sibling_no_message),
        system_test(in_cgroups_crowds_of_attackers_cost_a_sibling_little_time),
    };
    subtree_look();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A broker in small plays against the session: publishes, releases, reads, writes and cuts in random order,
 * from fixed seeds. Whatever the order: messages are delivered, once unless the broker could not know; acks
 * leave in order, once, after the release; outputs arrive in order, none is lost, QoS 2 exactly once. */
#include "session_model.h"

enum { RUNS = 60, STEPS = 1000000, DRAIN_ROUNDS = 1000 }; /* each choice of model_start beside each other */

/* ---- the user ---- */

static void user_publishes(struct model *m)
{
    if (m->out_outstanding < MODEL_OUTSTANDING_MAX && m->out_next < MODEL_NUMBERS)
        (void)model_user_publishes(m);
}

static void user_releases(struct model *m)
{
    if (m->lent_count)
        model_user_releases(m, m->lent[model_draw(m, (unsigned)m->lent_count)]);
}

/* ---- a run ---- */

static void step(struct model *m)
{
    switch (model_draw(m, 14)) {
    case 0:
    case 1:
    case 2:
        model_publish(m);
        return;
    case 3:
    case 4:
        user_releases(m);
        return;
    case 5:
        user_publishes(m);
        return;
    case 6:
    case 7:
        model_deliver(m, 1 + model_draw(m, 40));
        return;
    case 8:
    case 9:
    case 10:
        model_read(m, 1 + model_draw(m, 3));
        return;
    case 11:
        model_answer(m);
        return;
    case 12:
        m->now_ns += model_draw(m, 1000) * NS_PER_MS;
        assert_int_equal(mqtt_session_tick(m->session, m->now_ns), 0);
        return;
    default:
        if (!m->online)
            model_connect(m);
        else if (model_draw(m, 8) == 0)
            model_cut(m);
    }
}

/* No more cuts and no new messages: all that is open comes to its end. */
static void drain(struct model *m)
{
    m->may_lose_session = false;
    if (m->online)
        model_cut(m);
    model_connect(m);
    for (int i = 0; i < DRAIN_ROUNDS; i++) {
        model_deliver(m, SIZE_MAX);
        model_answer(m);
        user_releases(m);
        model_read(m, MODEL_IDS);
    }
}

static void add_counts(const struct mqtt_session *s, struct mqtt_session_counts *total)
{
    struct mqtt_session_counts counts;
    mqtt_session_counts(s, &counts);
    total->delivered += counts.delivered;
    total->recognised += counts.recognised;
    total->published += counts.published;
    total->overflow += counts.overflow;
    total->sent += counts.sent;
}

static void run(unsigned seed, struct mqtt_session_counts *total)
{
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    model_start(m, seed, &model_events, m);
    model_connect(m);
    for (int i = 0; i < STEPS; i++)
        step(m);
    drain(m);
    model_check_end(m);
    add_counts(m->session, total);
    mqtt_session_destroy(m->session);
    buffer_finish(&m->wire);
    free(m);
}

static void no_order_of_things_loses_or_repeats_a_message(void **state)
{
    struct mqtt_session_counts total = {0};
    (void)state;
    for (unsigned seed = 0; seed < RUNS; seed++) {
        print_message("seed %u\n", seed);
        run(seed, &total);
    }
    /* It was no walk in the park: what is hard happened often. */
    assert_true(total.delivered > 3000000);
    assert_true(total.published > 1000000);
    assert_true(total.recognised > 500000);
    assert_true(total.sent > total.published + 1000000); /* resent */
    assert_true(total.overflow > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_order_of_things_loses_or_repeats_a_message)};
    return cmocka_run_group_tests_name("session_model", tests, NULL, NULL);
}

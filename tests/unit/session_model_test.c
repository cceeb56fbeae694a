/* A broker in small plays against the session: publishes, releases, reads, writes and cuts in random order,
 * from fixed seeds. Whatever the order: messages are delivered, once unless the broker could not know; acks
 * leave in order, once, after the release; outputs arrive in order, none is lost, QoS 2 exactly once. */
#include "session_model.h"

enum { RUNS = 64, STEPS = 4000, DRAIN_ROUNDS = 1000 };

/* ---- the user ---- */

static void user_publishes(struct model *m)
{
    if (m->out_outstanding >= MODEL_OUTSTANDING_MAX || m->out_next >= MODEL_NUMBERS)
        return;
    unsigned n = m->out_next++;
    struct mqtt_publish publish = {
        .topic = slice_of("t"), .payload = slice_make(&n, sizeof n), .qos = (uint8_t)(1 + model_draw(m, 2))};
    m->out[n].qos = publish.qos;
    m->out_outstanding++;
    assert_int_equal(mqtt_session_publish(m->session, &publish, (void *)(uintptr_t)n), 0);
}

static void user_releases(struct model *m)
{
    if (!m->lent_count)
        return;
    size_t i = model_draw(m, (unsigned)m->lent_count);
    struct mqtt_message *message = m->lent[i];
    m->lent[i] = m->lent[--m->lent_count];
    m->in[model_number_of(message->payload)].released = true;
    mqtt_session_release(m->session, message);
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

static void check_the_end(struct model *m)
{
    struct mqtt_session_counts counts;
    mqtt_session_counts(m->session, &counts);
    assert_int_equal(m->flight_count, 0);
    assert_int_equal(counts.window, 0);
    assert_int_equal(counts.outstanding, 0);
    assert_int_equal(m->out_accepted, m->out_next - 1);
    for (unsigned n = 1; n < m->in_next; n++)
        if (m->in[n].qos && !m->in[n].broker_lost)
            assert_true(m->in[n].delivered >= 1 && m->in[n].acked);
    for (unsigned n = 1; n < m->out_next; n++)
        assert_true(m->out[n].published);
    if (!m->ignores_receive_maximum)
        assert_int_equal(counts.overflow, 0);
}

static void start(struct model *m, unsigned seed)
{
    m->random = seed * 7919 + 1;
    m->now_ns = m->in_next = m->out_next = 1;
    m->may_lose_session = seed % 4 == 3;
    m->ignores_receive_maximum = seed % 5 == 4;
    m->resends_without_dup = seed % 2;
    m->our_maximum = (uint16_t)(1 + model_draw(m, 12));
    m->server_maximum = (uint16_t)(1 + model_draw(m, 12));
    struct mqtt_session_options options = {
        .client_id = "model",
        .protocol = seed % 3 == 2 ? MQTT_3_1_1 : MQTT_5,
        .session_expiry_s = 60,
        .receive_maximum = m->our_maximum,
        .keep_alive_s = 600,
    };
    if (options.protocol == MQTT_3_1_1)
        m->server_maximum = UINT16_MAX;
    m->session = mqtt_session_create(&options, &model_events, m);
    assert_non_null(m->session);
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
    start(m, seed);
    model_connect(m);
    for (int i = 0; i < STEPS; i++)
        step(m);
    drain(m);
    check_the_end(m);
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
    assert_true(total.delivered > 10000);
    assert_true(total.published > 5000);
    assert_true(total.recognised > 500);
    assert_true(total.sent > total.published + 500); /* resent */
    assert_true(total.overflow > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_order_of_things_loses_or_repeats_a_message)};
    return cmocka_run_group_tests_name("session_model", tests, NULL, NULL);
}

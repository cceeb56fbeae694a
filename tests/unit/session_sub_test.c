/* Subscriptions: asked for, answered, left, and asked for again when the broker has lost them. */
#include "session_scene.h"

#include <errno.h>
#include <string.h>

static struct mqtt_filter filter(const char *text)
{
    return (struct mqtt_filter){.filter = slice_of(text), .qos = 1, .want_retained = true};
}

static void wants(struct scene *scene, const char *a, const char *b)
{
    struct mqtt_filter filters[] = {filter(a), filter(b ? b : "")};
    user_subscribes(scene, filters, b ? 2 : 1);
}

static void wants_knowing(struct scene *scene, const char *wanted, const char *known)
{
    struct mqtt_filter filters[] = {filter(wanted)};
    struct slice left[] = {slice_of(known)};
    if (!scene->session)
        user_subscribes(scene, NULL, 0);
    assert_int_equal(mqtt_session_subscribe(scene->session, filters, 1, left, 1), 0);
}

static void every_answer_is_reported(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", "b/#");
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1; SUBSCRIBE 2 b/# q1 rh1");
    broker_subacks(scene, PACKET_SUBACK, 2, 0x87);
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    then_events(scene, "subscribed 1 0x87; subscribed 0 0x01");
}

/* MQTT-3.8.3.1: Retain Handling 2 asks for no retained messages. */
static void options_and_identifier_go_with_the_filter(void **state)
{
    struct scene *scene = *state;
    struct mqtt_filter wish = {.filter = slice_of("a"), .qos = 2, .subscription_id = 300};
    user_subscribes(scene, &wish, 1);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q2 rh2 sid300");
}

/* MQTT-2.2.1-3: one space of ids. */
static void subscribe_and_publish_share_the_ids(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "x", 0);
    wants(scene, "a", NULL);
    user_publishes(scene, 1, "t", "y", 0);
    then_sent(scene, "PUBLISH 1 q1 t=x; SUBSCRIBE 2 a q1 rh1; PUBLISH 3 q1 t=y");
}

/* MQTT-3.2.2-5. */
static void a_lost_session_is_subscribed_again(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    then_events(scene, "subscribed 0 0x01");
    scene_reconnect(scene, false);
    then_sent(scene, "SUBSCRIBE 2 a q1 rh1");
}

static void a_resumed_session_is_not_subscribed_again(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    then_events(scene, "subscribed 0 0x01");
    scene_reconnect(scene, true);
    then_sent(scene, "");
}

static void what_was_not_answered_is_asked_again_on_resume(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    scene_reconnect(scene, true);
    then_sent(scene, "SUBSCRIBE 2 a q1 rh1");
    broker_subacks(scene, PACKET_SUBACK, 1, 1); /* of the lost connection: nobody's */
    then_events(scene, "");
}

static void a_refused_filter_is_asked_again_on_the_next_connection(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    broker_subacks(scene, PACKET_SUBACK, 1, 0x80);
    then_events(scene, "subscribed 0 0x80");
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    scene_reconnect(scene, true);
    then_sent(scene, "SUBSCRIBE 2 a q1 rh1");
}

/* A new process that adopts its session: MQTT 5 asks once (Retain Handling 1 keeps that silent). */
static void an_adopted_session_is_asked_once_in_mqtt_5(void **state)
{
    struct scene *scene = *state;
    scene->options.adopt = true;
    wants_knowing(scene, "a", "a");
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_events(scene, "resumed");
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
}

static void an_adopted_session_asks_only_for_what_is_unknown_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    struct mqtt_filter filters[] = {filter("a"), filter("b")};
    struct slice known = slice_of("b");
    scene->options.adopt = true;
    scene->options.protocol = MQTT_3_1_1;
    user_subscribes(scene, NULL, 0);
    assert_int_equal(mqtt_session_subscribe(scene->session, filters, 2, &known, 1), 0);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh0");
    then_events(scene, "resumed; subscribed 1 0x01");
}

/* The broker has lost the session: what an earlier process knew is worth nothing. */
static void known_filters_are_asked_for_when_the_session_is_new_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    wants_knowing(scene, "a", "a");
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh0");
    wants_knowing(scene, "b", "b");
    then_sent(scene, "SUBSCRIBE 2 b q1 rh0; UNSUBSCRIBE 3 a");
}

static void known_filters_that_are_not_wanted_are_left_after_a_resume(void **state)
{
    struct scene *scene = *state;
    scene->options.adopt = true;
    wants_knowing(scene, "a", "old");
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1; UNSUBSCRIBE 2 old");
    then_events(scene, "resumed");
    broker_subacks(scene, PACKET_UNSUBACK, 2, 0);
    then_events(scene, "unsubscribed");
}

static void a_lost_session_has_nothing_to_leave(void **state)
{
    struct scene *scene = *state;
    wants_knowing(scene, "a", "old");
    scene_connect(scene);
    broker_connack(scene, false, 0, NULL, 0);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    then_events(scene, "online; unsubscribed");
}

/* In this order: a message in between is matched by one of the two filters at least. */
static void a_new_wish_subscribes_what_is_new_then_leaves_what_is_gone(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", "b");
    scene_online(scene);
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    broker_subacks(scene, PACKET_SUBACK, 2, 1);
    then_events(scene, "subscribed 0 0x01; subscribed 1 0x01");
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1; SUBSCRIBE 2 b q1 rh1");
    wants(scene, "b", "c");
    then_sent(scene, "SUBSCRIBE 3 c q1 rh1; UNSUBSCRIBE 4 a");
    broker_subacks(scene, PACKET_SUBACK, 3, 1);
    broker_subacks(scene, PACKET_UNSUBACK, 4, 0x11);
    then_events(scene, "subscribed 1 0x01; unsubscribed");
}

static void a_changed_filter_is_asked_for_anew(void **state)
{
    struct scene *scene = *state;
    struct mqtt_filter changed = filter("a");
    wants(scene, "a", NULL);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    changed.qos = 2;
    user_subscribes(scene, &changed, 1);
    then_sent(scene, "SUBSCRIBE 2 a q2 rh1");
    broker_subacks(scene, PACKET_SUBACK, 1, 1); /* of the wish that was replaced */
    then_events(scene, "");
    broker_subacks(scene, PACKET_SUBACK, 2, 2);
    then_events(scene, "subscribed 0 0x02");
}

static void a_filter_that_comes_back_before_it_was_left_is_kept(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    scene->events[0] = '\0';
    scene_cut(scene);
    user_subscribes(scene, NULL, 0);
    wants(scene, "a", NULL);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0);
    then_sent(scene, "SUBSCRIBE 2 a q1 rh1");
}

static void a_filter_that_comes_back_while_it_is_left_is_subscribed_after(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    user_subscribes(scene, NULL, 0);
    wants(scene, "a", NULL);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1; UNSUBSCRIBE 2 a; SUBSCRIBE 3 a q1 rh1");
    scene->events[0] = '\0';
    scene_cut(scene);
    scene_connect(scene);
    broker_connack(scene, true, 0, NULL, 0); /* neither was answered: the wish decides */
    then_events(scene, "resumed; unsubscribed");
    then_sent(scene, "SUBSCRIBE 4 a q1 rh1");
}

static void an_unanswered_unsubscribe_is_sent_again(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    user_subscribes(scene, NULL, 0);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1; UNSUBSCRIBE 2 a");
    scene->events[0] = '\0';
    scene_reconnect(scene, true);
    then_sent(scene, "UNSUBSCRIBE 3 a");
    broker_subacks(scene, PACKET_UNSUBACK, 3, 0);
    then_events(scene, "unsubscribed");
}

/* 3.1.1 has no identifiers; asking again would bring what is retained again. */
static void another_identifier_alone_is_not_asked_for_in_3_1_1(void **state)
{
    struct scene *scene = *state;
    struct mqtt_filter wish = filter("a");
    scene->options.protocol = MQTT_3_1_1;
    wish.subscription_id = 1;
    user_subscribes(scene, &wish, 1);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh0");
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    wish.subscription_id = 2;
    user_subscribes(scene, &wish, 1);
    then_sent(scene, "");
    wish.qos = 2;
    user_subscribes(scene, &wish, 1);
    then_sent(scene, "SUBSCRIBE 2 a q2 rh0");
}

static void an_unsuback_of_3_1_1_has_no_codes(void **state)
{
    struct scene *scene = *state;
    scene->options.protocol = MQTT_3_1_1;
    wants(scene, "a", NULL);
    scene_online(scene);
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    user_subscribes(scene, NULL, 0);
    broker_subacks(scene, PACKET_UNSUBACK, 2, 0);
    then_events(scene, "subscribed 0 0x01; unsubscribed");
    then_sent(scene, "SUBSCRIBE 1 a q1 rh0; UNSUBSCRIBE 2 a");
}

/* MQTT-3.9.3-1: a code for each filter. */
static void a_suback_with_two_codes_for_one_filter_is_a_protocol_error(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    BROKER_SENDS(scene, "\x90\x05\0\1\0\1\1");
    then_over(scene, MQTT_CAUSE_PROTOCOL, "SUBACK");
    then_sent(scene, "DISCONNECT 0x82");
    then_events(scene, "");
}

static void an_answer_of_the_wrong_kind_is_a_protocol_error(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a", NULL);
    scene_online(scene);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    broker_subacks(scene, PACKET_UNSUBACK, 1, 0);
    then_over(scene, MQTT_CAUSE_PROTOCOL, "UNSUBACK");
    then_sent(scene, "DISCONNECT 0x82");
}

static void a_suback_for_an_unknown_id_does_no_harm(void **state)
{
    struct scene *scene = *state;
    scene_online(scene);
    user_publishes(scene, 1, "t", "x", 0);
    then_sent(scene, "PUBLISH 1 q1 t=x");
    broker_subacks(scene, PACKET_SUBACK, 1, 1);
    broker_subacks(scene, PACKET_SUBACK, 9, 1);
    broker_subacks(scene, PACKET_UNSUBACK, 9, 0);
    assert_int_equal(scene->result, 0);
    then_events(scene, "");
}

/* ---- what CONNACK rules out: MQTT-3.2.2.3.11 to .13 ---- */

static void no_identifier_where_the_server_has_none(void **state)
{
    struct scene *scene = *state;
    struct mqtt_filter wish = {.filter = slice_of("a"), .qos = 1, .subscription_id = 3};
    user_subscribes(scene, &wish, 1);
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x29\0", 2);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh2");
}

static void wildcards_and_shares_that_are_not_available_are_refused_here(void **state)
{
    struct scene *scene = *state;
    struct mqtt_filter wishes[] = {filter("a/+"), filter("$share/g/a"), filter("a")};
    user_subscribes(scene, wishes, 3);
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x28\0\x2a\0", 4);
    then_sent(scene, "SUBSCRIBE 1 a q1 rh1");
    then_events(scene, "online; subscribed 0 0xa2; subscribed 1 0x9e");
}

/* MQTT-3.2.2-15. */
static void a_subscribe_too_large_for_the_server_is_not_sent(void **state)
{
    struct scene *scene = *state;
    wants(scene, "a/long/filter", "a");
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x27\0\0\0\x0a", 5);
    then_sent(scene, "SUBSCRIBE 2 a q1 rh1");
    then_events(scene, "online; subscribed 0 0x100");
}

static void a_refusal_by_ourselves_comes_later_not_at_once(void **state)
{
    struct scene *scene = *state;
    scene_connect(scene);
    broker_connack(scene, false, 0, "\x28\0", 2);
    then_events(scene, "online");
    wants(scene, "a/#", NULL);
    then_events(scene, "");
    time_passes(scene, 0);
    then_events(scene, "subscribed 0 0xa2");
}

static void more_filters_than_a_session_has_are_refused(void **state)
{
    struct scene *scene = *state;
    struct mqtt_filter filters[MQTT_FILTERS_MAX + 1];
    for (size_t i = 0; i <= MQTT_FILTERS_MAX; i++)
        filters[i] = filter("a");
    scene_online(scene);
    assert_int_equal(mqtt_session_subscribe(scene->session, filters, MQTT_FILTERS_MAX + 1, NULL, 0), -EINVAL);
    then_sent(scene, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(every_answer_is_reported),
        SCENE_TEST(options_and_identifier_go_with_the_filter),
        SCENE_TEST(subscribe_and_publish_share_the_ids),
        SCENE_TEST(a_lost_session_is_subscribed_again),
        SCENE_TEST(a_resumed_session_is_not_subscribed_again),
        SCENE_TEST(what_was_not_answered_is_asked_again_on_resume),
        SCENE_TEST(a_refused_filter_is_asked_again_on_the_next_connection),
        SCENE_TEST(an_adopted_session_is_asked_once_in_mqtt_5),
        SCENE_TEST(an_adopted_session_asks_only_for_what_is_unknown_in_3_1_1),
        SCENE_TEST(known_filters_are_asked_for_when_the_session_is_new_in_3_1_1),
        SCENE_TEST(known_filters_that_are_not_wanted_are_left_after_a_resume),
        SCENE_TEST(a_lost_session_has_nothing_to_leave),
        SCENE_TEST(a_new_wish_subscribes_what_is_new_then_leaves_what_is_gone),
        SCENE_TEST(a_changed_filter_is_asked_for_anew),
        SCENE_TEST(a_filter_that_comes_back_before_it_was_left_is_kept),
        SCENE_TEST(a_filter_that_comes_back_while_it_is_left_is_subscribed_after),
        SCENE_TEST(an_unanswered_unsubscribe_is_sent_again),
        SCENE_TEST(another_identifier_alone_is_not_asked_for_in_3_1_1),
        SCENE_TEST(an_unsuback_of_3_1_1_has_no_codes),
        SCENE_TEST(a_suback_with_two_codes_for_one_filter_is_a_protocol_error),
        SCENE_TEST(an_answer_of_the_wrong_kind_is_a_protocol_error),
        SCENE_TEST(a_suback_for_an_unknown_id_does_no_harm),
        SCENE_TEST(no_identifier_where_the_server_has_none),
        SCENE_TEST(wildcards_and_shares_that_are_not_available_are_refused_here),
        SCENE_TEST(a_subscribe_too_large_for_the_server_is_not_sent),
        SCENE_TEST(a_refusal_by_ourselves_comes_later_not_at_once),
        SCENE_TEST(more_filters_than_a_session_has_are_refused),
    };
    return cmocka_run_group_tests_name("session_sub", tests, NULL, NULL);
}

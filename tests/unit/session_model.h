/* session_model.h: a broker in small, which checks all that the session sends it.
 *
 * Messages are numbers, 1, 2, 3, … in either direction; what is known of each is in a table. A rule that is
 * broken fails the cmocka test that is running. */
#ifndef HARK_TESTS_SESSION_MODEL_H
#define HARK_TESTS_SESSION_MODEL_H

#include "mqtt/packet.h"
#include "mqtt/session.h"
#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MODEL_NUMBERS = 1 << 18, MODEL_IDS = 256, MODEL_LENT_MAX = 64, MODEL_OUTSTANDING_MAX = 60 };

/* Broker to client: what the broker holds of one message. */
struct flight {
    uint16_t id;
    unsigned number;
    uint8_t qos;
    bool pubrel; /* PUBREC came */
};

struct model {
    struct mqtt_session *session;
    uint64_t random, now_ns;
    bool online, may_lose_session, ignores_receive_maximum, resends_without_dup;
    uint16_t our_maximum, server_maximum, last_id;
    struct buffer wire; /* broker to client, on its way */

    struct flight flights[MODEL_IDS]; /* in the order first sent */
    size_t flight_count;
    struct {
        uint16_t id;
        unsigned number;
    } awaited[4 * MODEL_IDS]; /* acks due on this connection, in order */
    size_t awaited_first, awaited_end;

    unsigned in_next, in_last_delivered;
    struct {
        uint8_t qos;
        bool released, ack_lost, broker_lost, acked;
        unsigned delivered;
    } in[MODEL_NUMBERS];
    struct mqtt_message *lent[MODEL_LENT_MAX];
    size_t lent_count;

    unsigned out_next, out_accepted, out_outstanding;
    struct {
        uint8_t qos;
        bool may_repeat, published;
        unsigned accepted;
    } out[MODEL_NUMBERS];
    unsigned on_wire; /* of our Receive Maximum */
    bool counted[UINT16_MAX + 1];
    unsigned qos2_number[UINT16_MAX + 1]; /* accepted, PUBREL not come; 0: none */
    struct {
        uint8_t type;
        uint16_t id;
    } answers[MODEL_IDS]; /* that the broker has still to give */
    size_t answer_count;
};

/* A number below `below`, from the model's own sequence. */
unsigned model_draw(struct model *m, unsigned below);
bool model_speaks_5(const struct model *m);
unsigned model_number_of(struct slice payload);
extern const struct mqtt_session_events model_events;

/* A session, and a broker with its habits, chosen by the seed: 60 seeds in a row are all choices of them.
 * `events` are model_events with `m`, or call them. */
void model_start(struct model *m, unsigned seed, const struct mqtt_session_events *events, void *user);
/* All that was lent is released and nothing is under way: nothing is lost either. */
void model_check_end(const struct model *m);

/* The user publishes a message at QoS 1 or 2: its number, which is its token too; gives a lent one back. */
unsigned model_user_publishes(struct model *m);
void model_user_releases(struct model *m, struct mqtt_message *message);

/* The broker publishes a message, if it may; gives the next answer that it owes; reads some packets. */
void model_publish(struct model *m);
void model_answer(struct model *m);
void model_read(struct model *m, unsigned packets);
/* The client reads some bytes. */
void model_deliver(struct model *m, size_t len);
/* The connection ends; another one is made, with the session or, now and then, without. */
void model_cut(struct model *m);
void model_connect(struct model *m);

#endif

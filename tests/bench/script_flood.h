/* script_flood.h: what the scripted broker does to one of its clients: a flood for some time, which is
 * measured, or a march of a fixed number of messages, for who counts what they cost. */
#ifndef TESTS_BENCH_SCRIPT_FLOOD_H
#define TESTS_BENCH_SCRIPT_FLOOD_H

#include "script_client.h"

enum { SCRIPT_SUBJECT_BYTES = 32 };

struct script_order {
    char subject[SCRIPT_SUBJECT_BYTES]; /* whoever subscribed to bench/SUBJECT/in/+ */
    bool is_march;
    unsigned qos;    /* 0 or 1 */
    unsigned window; /* at most so many messages unanswered; on the march: as many at once, when none is */
    unsigned bytes;  /* of payload */
    unsigned topics; /* on how many topics, in turn */
    double amount;   /* seconds, or messages */
};

/* FLOOD|MARCH SUBJECT QOS WINDOW BYTES TOPICS AMOUNT, in small letters. False: it is nothing of the kind. */
bool script_order_parse(const char *line, struct script_order *ret_order);

struct script_flood {
    struct script_order order;
    struct script_client *to;
    struct buffer packets; /* one PUBLISH for each topic, all of one length */
    size_t packet_bytes, id_at;
    uint64_t sent_before, acked_before, answered_before;
    uint64_t counted_from, counted_from_ns, stop_ns;
};

/* An order for a client that has subscribed. script_flood_turn queues what may be sent now; true: it is over,
 * all is answered, or has had its time. */
void script_flood_begin(struct script_flood *f, const struct script_order *order, struct script_client *to);
bool script_flood_turn(struct script_flood *f);

/* When it is over: prints ANSWERED PER_SECOND LOST EARLY. */
void script_flood_report(const struct script_flood *f);
void script_flood_end(struct script_flood *f);

#endif

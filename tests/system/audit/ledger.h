/* ledger.h: the auditor's book: every message that was sent, every answer and dead letter that came, and
 * every fault that was made; at the end it says what was lost, doubled without an excuse, or out of order.
 *
 * In the audit program and its unit test. Thread-safe; no clock of its own: times are handed in, in
 * nanoseconds, and never go back for one caller. Messages of a stream are numbered 1, 2, ... in the order in
 * which they are sent.
 *
 * A fault is one of two. One that repeats (hark is killed, a connection breaks) may make the messages that
 * are under way come twice. One that holds (a stall, a frozen process) makes nothing come twice, but keeps
 * messages under way for as long as it lasts. A message is under way from when it is sent until it and all
 * those of its stream before it have been answered: acknowledgements leave in order. */
#ifndef TESTS_SYSTEM_AUDIT_LEDGER_H
#define TESTS_SYSTEM_AUDIT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { LEDGER_STREAMS_MAX = 16, LEDGER_KEYS_MAX = 16 };

/* How long after its answer a message may still be unacknowledged, on a busy machine. */
#define LEDGER_SLACK_NS 2000000000ull

struct ledger_stream {
    const char *name;      /* borrowed */
    bool ordered;          /* by key */
    unsigned doomed_every; /* each number that this divides becomes a dead letter; 0: none does */
};

struct ledger_totals {
    size_t sent, answered, buried; /* buried: dead letters of those that are doomed */
    size_t repeated;               /* answers and dead letters beyond the first, with an excuse */
    size_t lost;                   /* neither answered nor buried */
    size_t unexplained;            /* beyond the first, without an excuse */
    size_t disordered; /* given by hark behind a later number of their key that hark had received later */
    size_t shuffled;   /* by the broker, before hark received them or after it gave them */
    size_t wrong;      /* no such number, other bytes, answered though doomed, ... */
};

struct ledger;

struct ledger *ledger_create(const struct ledger_stream *streams, size_t count);
void ledger_destroy(struct ledger *l);

/* The number of the message that is about to be sent. */
unsigned long ledger_send(struct ledger *l, size_t stream, unsigned key, uint64_t now_ns);

/* hark was sent it, hark has sent an answer: seen on the way. Only the first time of each counts. */
void ledger_receive(struct ledger *l, size_t stream, unsigned long number);
void ledger_give(struct ledger *l, size_t stream, unsigned long number, uint64_t now_ns);

/* It has arrived. */
void ledger_answer(struct ledger *l, size_t stream, unsigned long number, uint64_t now_ns);
void ledger_bury(struct ledger *l, size_t stream, unsigned long number, uint64_t now_ns);

/* Something came that is wrong whatever else happened. */
void ledger_wrong(struct ledger *l, size_t stream, const char *what, uint64_t now_ns);

void ledger_repeats(struct ledger *l, uint64_t now_ns);
void ledger_holds(struct ledger *l, uint64_t begin_ns, uint64_t end_ns);

/* Those that have been sent and not yet come to their end; of one stream, or of all. */
size_t ledger_open(struct ledger *l, size_t stream);
size_t ledger_open_in_all(struct ledger *l);

/* How many things have come so far: does it still move? */
size_t ledger_arrivals(struct ledger *l);

/* Judges. The first of each kind of finding are written to `findings`, with times since `zero_ns`. */
struct ledger_totals ledger_judge(struct ledger *l, FILE *findings, uint64_t zero_ns);

bool ledger_is_clean(const struct ledger_totals *t);

#endif

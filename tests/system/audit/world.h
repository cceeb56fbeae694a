/* world.h: what the audit plays with: a broker that keeps its sessions, a proxy, a hark with every function
 * of streams.h, a publisher, a listener, and the ledger. The main thread's. */
#ifndef TESTS_SYSTEM_AUDIT_WORLD_H
#define TESTS_SYSTEM_AUDIT_WORLD_H

#include "audit/ledger.h"
#include "audit/publisher.h"
#include "support/hark.h"
#include "support/mosquitto_broker.h"
#include "support/proxy.h"

#include <stdatomic.h>
#include <stdio.h>

struct world_options {
    uint64_t seed;
    unsigned rate; /* messages a second */
    bool has_tls;  /* between hark and the proxy */
    FILE *log;
    FILE *events;         /* where the faults are written down */
    FILE *trace;          /* of packets; NULL: none */
    const char *sabotage; /* more config of the first function, or "" */
};

struct world {
    struct ledger *ledger;
    struct broker *broker;
    struct proxy *proxy;
    struct hark *hark;
    struct publisher *publisher;
    uint64_t random; /* of the faults */
    uint64_t zero_ns;
    bool is_small;            /* the state folder can be filled */
    atomic_bool is_clean_end; /* connections that end now take nothing along */
    bool is_renamed[LEDGER_STREAMS_MAX];
    FILE *log; /* where all goes that the processes said */
    FILE *events;
    const char *sabotage;
};

/* All runs and every function is deployed when it returns; nothing has been sent yet. */
void world_open(struct world *w, const struct world_options *o);

/* Starts hark again, with its folder and its state. What the last one said goes to the log. */
void world_start_hark(struct world *w);
bool world_has_hark(const struct world *w); /* it was started, and has not been ended by us */

void world_manifest_path(const struct world *w, size_t stream, char *to, size_t size);
void world_handler_path(const struct world *w, size_t stream, char *to, size_t size);

/* One of the two builds of the auditee. */
const char *world_build(unsigned which);

/* What hark and the broker have said. */
void world_write_log(struct world *w);

#endif

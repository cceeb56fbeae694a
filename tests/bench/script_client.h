/* script_client.h: a client of the scripted broker: its socket, and what MQTT asks a broker to answer it.
 *
 * One thread. The clients are programs of the benchmark, so what none of them sends ends the program with one
 * line on standard error. */
#ifndef TESTS_BENCH_SCRIPT_CLIENT_H
#define TESTS_BENCH_SCRIPT_CLIENT_H

#include "shared/buffer.h"

#include <stdint.h>

enum { SCRIPT_FILTER_BYTES = 128, SCRIPT_IDS = 65535 };

/* What is wanted of the answers from now on, and how they are acknowledged. */
struct script_answers {
    unsigned qos, bytes; /* of payload */
    bool are_wanted;     /* else a PUBLISH may be anything */
    uint64_t come, told,
        settled;    /* answers; of them, those of which it may have heard; messages that it acknowledged */
    uint64_t early; /* of these, those settled before it could know that their answer is safe with us */
};

struct script_client {
    int fd; /* -1: none */
    struct buffer in, out;
    bool is_v5;
    unsigned receive_maximum;
    char filter[SCRIPT_FILTER_BYTES]; /* the one it subscribed to last; "": none yet */
    unsigned subscription;            /* that subscription's identifier; 0: none */
    uint64_t sent;                    /* PUBLISH to it, counted by who sends them */
    uint64_t acked, answered;         /* PUBACK and PUBLISH of it */
    struct script_answers answers;
};

void script_client_open(struct script_client *c, int fd);

/* Reads what there is and answers it. When the client has left, fd is -1 afterwards. */
void script_client_receive(struct script_client *c);

/* Writes what is queued, as far as the socket takes it. */
void script_client_flush(struct script_client *c);

/* Queues one PUBLISH's worth of header or body. */
void script_put_byte(struct buffer *out, unsigned byte);
void script_put_variable(struct buffer *out, unsigned value);

_Noreturn void script_die(const char *what);

#endif

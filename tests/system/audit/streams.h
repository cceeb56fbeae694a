/* streams.h: the functions under audit: each a stream of numbered messages with promises of its own. Pure.
 *
 * All are builds of tests/functions/auditee.c; the manifest says what is special. A message goes to
 * audit/in/<function>/<key>/<topic>, with its number, a blank and padding as payload; its answer comes on
 * audit/out/<function> with the same payload. */
#ifndef TESTS_SYSTEM_AUDIT_STREAMS_H
#define TESTS_SYSTEM_AUDIT_STREAMS_H

#include "audit/ledger.h"

#include <stdint.h>

struct stream {
    const char *function;
    uint8_t qos;     /* of its messages, its trigger and its answers */
    unsigned keys;   /* what `order` goes by; order: all has one */
    unsigned topics; /* of each key */
    unsigned weight; /* its share of the traffic */
    bool ordered;    /* by key */
    unsigned doomed_every, attempts;
    const char *manifest; /* what is special: lines, or NULL */
    const char *config;   /* and what the function is told, or NULL */
};

enum { PAYLOAD_MAX = 24 * 1024 };

extern const struct stream streams[];
extern const size_t stream_count;

/* The manifest of stream `i`, for a handler of that name, with more for its config, or ""; the caller frees.
 */
char *stream_manifest(size_t i, const char *handler, const char *more_config);

/* The payload of message `number`, at most PAYLOAD_MAX bytes; returns its length. */
size_t payload_write(char *to, unsigned long number);

/* The number in a payload that payload_write made; 0: it is none of those. */
unsigned long payload_read(const char *payload, size_t len);

/* Which stream a function is; stream_count: none. */
size_t stream_find(const char *function, size_t len);

#endif

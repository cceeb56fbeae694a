#include "audit/streams.h"

#include "shared/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PADDING = 300, LARGE_EVERY = 331, LARGE_PADDING = 20000 };

/* Patience: workers are killed at random, and a killed message has used up an attempt. */
#define PATIENT .attempts = 50

const struct stream streams[] = {
    {.function = "echo", .qos = 1, .keys = 4, .topics = 1, .weight = 4, .ordered = true, PATIENT},
    {.function = "exact", .qos = 2, .keys = 3, .topics = 1, .weight = 2, .ordered = true, PATIENT},
    {.function = "rooms",
     .qos = 1,
     .keys = 5,
     .topics = 3,
     .weight = 3,
     .ordered = true,
     PATIENT,
     .manifest = "order: {key}\ninstances: { max: 3, idle: 1s }\n"},
    {.function = "any",
     .qos = 1,
     .keys = 1,
     .topics = 4,
     .weight = 3,
     PATIENT,
     .manifest = "order: none\ninstances: { min: 1, max: 4, idle: 1s }\n"},
    {.function = "whole",
     .qos = 1,
     .keys = 1,
     .topics = 4,
     .weight = 2,
     .ordered = true,
     PATIENT,
     .manifest = "order: all\n",
     .config = "retry_every: \"37\""},
    {.function = "slow",
     .qos = 1,
     .keys = 8,
     .topics = 1,
     .weight = 1,
     .ordered = true,
     PATIENT,
     .manifest = "instances: { max: 4 }\ntimeout: 2s\n",
     .config = "busy_ms: \"35\""},
    {.function = "stumbling",
     .qos = 1,
     .keys = 4,
     .topics = 1,
     .weight = 3,
     .ordered = true,
     PATIENT,
     .config = "crash_every: \"100\", crashes: \"1\""},
    {.function = "doomed",
     .qos = 1,
     .keys = 4,
     .topics = 1,
     .weight = 2,
     .ordered = true,
     .doomed_every = 50,
     .attempts = 5,
     .config = "crash_every: \"50\", crashes: \"1000\""},
    {.function = "narrow",
     .qos = 1,
     .keys = 2,
     .topics = 1,
     .weight = 2,
     .ordered = true,
     PATIENT,
     .manifest = "limits: { queue: 3 }\n"},
};

const size_t stream_count = sizeof streams / sizeof *streams;

size_t stream_find(const char *function, size_t len)
{
    size_t i = 0;
    while (i < stream_count &&
           (strlen(streams[i].function) != len || memcmp(streams[i].function, function, len) != 0))
        i++;
    return i;
}

char *stream_manifest(size_t i, const char *handler, const char *more_config)
{
    const struct stream *s = &streams[i];
    char *text = NULL;
    int len = asprintf(&text,
                       "function: %s\nhandler: %s\n"
                       "triggers: [ { topic: \"audit/in/%s/{key}/+\", qos: %u } ]\n"
                       "publishes: [ audit/out/%s ]\n"
                       "retry: { attempts: %u, backoff: 10ms, max_backoff: 500ms }\n"
                       "config: { out: audit/out/%s%s%s%s }\n%s",
                       s->function, handler, s->function, s->qos, s->function, s->attempts, s->function,
                       s->config ? ", " : "", s->config ? s->config : "", more_config,
                       s->manifest ? s->manifest : "");
    CHECK(len > 0);
    return text;
}

size_t payload_write(char *to, unsigned long number)
{
    size_t padding = number % LARGE_EVERY == 0 ? LARGE_PADDING : number * 7 % PADDING;
    int len = snprintf(to, PAYLOAD_MAX, "%lu ", number);
    memset(to + len, (int)('a' + number % 26), padding);
    return (size_t)len + padding;
}

unsigned long payload_read(const char *payload, size_t len)
{
    char start[24] = "", whole[PAYLOAD_MAX];
    memcpy(start, payload, len < sizeof start - 1 ? len : sizeof start - 1);
    unsigned long number = strtoul(start, NULL, 10);
    bool same = payload_write(whole, number) == len && memcmp(whole, payload, len) == 0;
    return same ? number : 0;
}

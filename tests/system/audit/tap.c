#include "audit/tap.h"

#include "audit/packet.h"
#include "audit/streams.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "support/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 128 };

#define QUESTIONS "audit/in/"
#define ANSWERS   "audit/out/"

/* A connection; its number is 0 while the place is free. */
struct line {
    size_t number;
    bool is_foreign; /* it does not speak MQTT 5 */
    struct buffer bytes[2];
};

struct tap {
    struct proxy *proxy;
    struct ledger *ledger;
    FILE *trace;
    uint64_t zero_ns;
    struct line lines[LINES_MAX];
};

static bool begins_with(struct slice text, const char *start)
{
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.data, start, len) == 0;
}

/* The stream that a topic belongs to, when it begins like that. */
static size_t stream_of(struct slice topic, const char *start)
{
    if (!begins_with(topic, start))
        return stream_count;
    const char *name = topic.data + strlen(start);
    size_t left = topic.len - strlen(start);
    const char *slash = memchr(name, '/', left);
    return stream_find(name, slash ? (size_t)(slash - name) : left);
}

static void write_trace(const struct tap *t, size_t connection, enum proxy_way way, const struct packet *p)
{
    static const char *const names[] = {
        "0",         "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
        "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
    double at = (double)(clock_now_ns() - t->zero_ns) / (double)NS_PER_S;
    fprintf(t->trace, "%9.3f  connection %zu %s %s", at, connection, way == PROXY_TO_BROKER ? "->" : "<-",
            names[p->type]);
    if (p->id)
        fprintf(t->trace, " id=%u", p->id);
    if (p->type == PUBLISH)
        fprintf(t->trace, " qos=%u dup=%d %.*s %lu", p->qos, p->is_again, SLICE_ARG(p->topic),
                payload_read(p->payload.data, p->payload.len));
    fprintf(t->trace, "\n");
}

static void read_along(struct tap *t, enum proxy_way way, const struct packet *p)
{
    if (p->type != PUBLISH)
        return;
    size_t stream = stream_of(p->topic, way == PROXY_TO_BROKER ? ANSWERS : QUESTIONS);
    unsigned long number = payload_read(p->payload.data, p->payload.len);
    if (stream == stream_count || number == 0)
        return;
    if (way == PROXY_TO_BROKER)
        ledger_give(t->ledger, stream, number, clock_now_ns());
    else
        ledger_receive(t->ledger, stream, number);
}

/* The line of that number, or a free one that becomes it. */
static struct line *line_of(struct tap *t, size_t number)
{
    struct line *free_line = NULL;
    for (size_t i = 0; i < LINES_MAX; i++) {
        if (t->lines[i].number == number)
            return &t->lines[i];
        if (t->lines[i].number == 0)
            free_line = &t->lines[i];
    }
    CHECK(free_line);
    free_line->number = number;
    return free_line;
}

static void close_line(struct line *l)
{
    buffer_finish(&l->bytes[0]);
    buffer_finish(&l->bytes[1]);
    l->number = 0;
    l->is_foreign = false;
}

static void on_bytes(void *user, size_t connection, enum proxy_way way, const void *data, size_t len)
{
    struct tap *t = user;
    struct line *l = line_of(t, connection);
    struct packet p;
    if (len == 0) {
        close_line(l);
        return;
    }
    buffer_append(&l->bytes[way], data, len);
    while (!l->is_foreign && packet_take(&l->bytes[way], &p)) {
        if (p.type == CONNECT && p.level != 5) {
            l->is_foreign = true;
            ledger_wrong(t->ledger, 0, "hark speaks MQTT 3.1.1 to a broker of MQTT 5", clock_now_ns());
        }
        if (t->trace)
            write_trace(t, connection, way, &p);
        read_along(t, way, &p);
    }
}

static void tap_end(void *thing)
{
    struct tap *t = thing;
    proxy_tap(t->proxy, NULL, NULL);
    for (size_t i = 0; i < LINES_MAX; i++)
        close_line(&t->lines[i]);
    free(t);
}

void tap_create(struct proxy *p, struct ledger *l, FILE *trace, uint64_t zero_ns)
{
    struct tap *t = calloc(1, sizeof *t);
    CHECK(t);
    t->proxy = p;
    t->ledger = l;
    t->trace = trace;
    t->zero_ns = zero_ns;
    at_end_of_test(tap_end, t);
    proxy_tap(p, on_bytes, t);
}

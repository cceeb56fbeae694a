#include "script_flood.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW_MAX = 32768, BYTES_MAX = 1 << 20, TOPICS_MAX = 16384, PUBLISH = 3 };

#define PATIENCE_NS   (10 * NS_PER_S) /* for what is missing when a flood has stopped */
#define MARCH_TIME_NS (60 * NS_PER_S)

bool script_order_parse(const char *line, struct script_order *ret_order)
{
    struct script_order o = {0};
    char verb[8];
    if (sscanf(line, "%7s %31s %u %u %u %u %lf", verb, o.subject, &o.qos, &o.window, &o.bytes, &o.topics,
               &o.amount) != 7)
        return false;
    o.is_march = strcmp(verb, "march") == 0;
    if ((!o.is_march && strcmp(verb, "flood") != 0) || o.qos > 1 || o.window == 0 || o.window > WINDOW_MAX ||
        o.bytes > BYTES_MAX || o.topics == 0 || o.topics > TOPICS_MAX || o.amount <= 0)
        return false;
    *ret_order = o;
    return true;
}

/* Each topic has as many digits as the others, so that the packets have one length. */
static void put_packet(struct script_flood *f, unsigned topic)
{
    const struct script_order *o = &f->order;
    struct buffer body = {0}, properties = {0};
    char text[SCRIPT_FILTER_BYTES];
    int topic_bytes = snprintf(text, sizeof text, "bench/%s/in/%05u", o->subject, topic);
    script_put_byte(&body, (unsigned)topic_bytes >> 8);
    script_put_byte(&body, (unsigned)topic_bytes & 0xff);
    buffer_append(&body, text, (size_t)topic_bytes);
    size_t id_at = buffer_length(&body);
    if (o->qos)
        buffer_append(&body, "\0\0", 2);
    if (f->to->subscription) {
        script_put_byte(&properties, 0x0b);
        script_put_variable(&properties, f->to->subscription);
    }
    if (f->to->is_v5) {
        script_put_variable(&body, (unsigned)buffer_length(&properties));
        if (buffer_length(&properties))
            buffer_append(&body, buffer_data(&properties), buffer_length(&properties));
    }
    memset(buffer_reserve(&body, o->bytes), 'x', o->bytes);
    buffer_commit(&body, o->bytes);
    size_t before = buffer_length(&f->packets);
    script_put_byte(&f->packets, PUBLISH << 4 | o->qos << 1);
    script_put_variable(&f->packets, (unsigned)buffer_length(&body));
    f->id_at = buffer_length(&f->packets) - before + id_at;
    buffer_append(&f->packets, buffer_data(&body), buffer_length(&body));
    f->packet_bytes = buffer_length(&f->packets) - before;
    buffer_finish(&properties);
    buffer_finish(&body);
}

void script_flood_begin(struct script_flood *f, const struct script_order *order, struct script_client *to)
{
    uint64_t now_ns = clock_now_ns();
    *f = (struct script_flood){.order = *order, .to = to, .counted_from = UINT64_MAX};
    f->sent_before = to->sent;
    f->acked_before = to->acked;
    f->answered_before = to->answered;
    to->answers = (struct script_answers){.qos = order->qos, .bytes = order->bytes, .are_wanted = true};
    for (unsigned i = 0; i < order->topics; i++)
        put_packet(f, i);
    f->counted_from_ns = now_ns + (order->is_march ? 0 : (uint64_t)(order->amount / 10 * (double)NS_PER_S));
    f->stop_ns = order->is_march ? now_ns + MARCH_TIME_NS
                                 : f->counted_from_ns + (uint64_t)(order->amount * (double)NS_PER_S);
}

static uint64_t sent(const struct script_flood *f)
{
    return f->to->sent - f->sent_before;
}

static uint64_t answered(const struct script_flood *f)
{
    return f->to->answered - f->answered_before;
}

/* At QoS 1 a message is done with when its acknowledgement and its answer have come. */
static uint64_t finished(const struct script_flood *f)
{
    uint64_t acked = f->to->acked - f->acked_before;
    return f->order.qos == 0 || answered(f) < acked ? answered(f) : acked;
}

static void send_one(struct script_flood *f)
{
    const uint8_t *packet = buffer_data(&f->packets) + sent(f) % f->order.topics * f->packet_bytes;
    uint8_t *to = buffer_reserve(&f->to->out, f->packet_bytes);
    memcpy(to, packet, f->packet_bytes);
    unsigned id = (unsigned)(f->to->sent++ % SCRIPT_IDS) + 1;
    if (f->order.qos) {
        to[f->id_at] = (uint8_t)(id >> 8);
        to[f->id_at + 1] = (uint8_t)id;
    }
    buffer_commit(&f->to->out, f->packet_bytes);
}

static unsigned window(const struct script_flood *f)
{
    unsigned least = f->to->receive_maximum;
    return f->order.qos && least < f->order.window ? least : f->order.window;
}

static bool march(struct script_flood *f, uint64_t now_ns)
{
    uint64_t total = (uint64_t)f->order.amount;
    if (now_ns >= f->stop_ns)
        return true;
    if (finished(f) < sent(f))
        return false;
    for (unsigned i = window(f); i > 0 && sent(f) < total; i--)
        send_one(f);
    return finished(f) == total;
}

static bool flood(struct script_flood *f, uint64_t now_ns)
{
    if (f->counted_from == UINT64_MAX && now_ns >= f->counted_from_ns) {
        f->counted_from = answered(f);
        f->counted_from_ns = now_ns;
    }
    if (now_ns < f->stop_ns) {
        while (sent(f) - finished(f) < window(f))
            send_one(f);
        return false;
    }
    return finished(f) >= sent(f) || now_ns >= f->stop_ns + PATIENCE_NS;
}

bool script_flood_turn(struct script_flood *f)
{
    uint64_t now_ns = clock_now_ns();
    if (f->to->fd < 0)
        script_die("the client left in the middle");
    return f->order.is_march ? march(f, now_ns) : flood(f, now_ns);
}

void script_flood_report(const struct script_flood *f)
{
    double seconds = (double)(clock_now_ns() - f->counted_from_ns) / (double)NS_PER_S;
    double rate = f->order.is_march ? 0 : (double)(answered(f) - f->counted_from) / seconds;
    printf("%" PRIu64 " %.0f %" PRId64 " %" PRIu64 "\n", answered(f), rate, (int64_t)(sent(f) - finished(f)),
           f->to->answers.early);
    fflush(stdout);
}

void script_flood_end(struct script_flood *f)
{
    f->to->answers.are_wanted = false;
    buffer_finish(&f->packets);
    *f = (struct script_flood){0};
}

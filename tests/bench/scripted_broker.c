/* scripted_broker.c: as little of a broker as a client needs to be measured without one: it floods the first
 * client that subscribes and counts its answers.
 *
 *     bench_scripted_broker --filter F [--qos 0|1] [--window W] [--bytes B] [--topics N] [--seconds S]
 *
 * Says `port P` on standard output and waits for clients of MQTT 5 or 3.1.1. Whoever subscribes to a filter
 * F, which ends in /+, gets messages on N topics that match it, at most W of them unanswered: a message is
 * answered when its PUBACK (at QoS 1) and a PUBLISH of the client have come. After a tenth of S seconds it
 * begins to count; S seconds later it stops sending, waits for what is missing, prints one line and ends:
 *
 *     ANSWERED PER_SECOND LOST
 *
 * Other clients (a second connection of the same program) are only kept content. */
#include "shared/buffer.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENTS_MAX = 8,
    READ_BYTES = 1 << 20,
    TOPICS_MAX = 16384,
    PACKET_BYTES_MAX = 1 << 20,
    IDS = 65535,
    PATIENCE_MS = 10000
};

enum packet {
    CONNECT = 1,
    CONNACK,
    PUBLISH,
    PUBACK,
    SUBSCRIBE = 8,
    SUBACK,
    UNSUBSCRIBE,
    UNSUBACK,
    PINGREQ,
    PINGRESP,
    DISCONNECT
};

struct options {
    const char *filter;
    unsigned qos, window, bytes, topics;
    double seconds;
};

struct client {
    int fd; /* -1: none */
    struct buffer in, out;
    bool is_v5;
    unsigned receive_maximum;
};

/* What is sent to the one that subscribed. */
struct flood {
    struct client *to;      /* NULL: nobody has subscribed */
    struct buffer template; /* one PUBLISH for each topic, all of one length */
    size_t packet_bytes, id_at;
    uint64_t sent, acked, answered;
    uint64_t start_ns, counted_from_ns, stop_ns;
    uint64_t counted_from;
};

static struct options options = {.qos = 1, .window = 256, .bytes = 64, .topics = 1, .seconds = 3};
static struct client clients[CLIENTS_MAX];
static struct flood flood;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "scripted_broker: %s\n", what);
    exit(EXIT_FAILURE);
}

/* ---- reading ---- */

/* A string or number at *at of packet[len], which moves on. */
static const uint8_t *take(const uint8_t *packet, size_t len, size_t *at, size_t bytes)
{
    if (*at + bytes > len)
        die("a packet breaks off");
    *at += bytes;
    return packet + *at - bytes;
}

static unsigned take_number(const uint8_t *packet, size_t len, size_t *at)
{
    const uint8_t *two = take(packet, len, at, 2);
    return (unsigned)two[0] << 8 | two[1];
}

static unsigned take_variable(const uint8_t *packet, size_t len, size_t *at)
{
    unsigned value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
        uint8_t byte = *take(packet, len, at, 1);
        value |= (unsigned)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* Of the properties that CONNECT and SUBSCRIBE have, the two that matter here. */
static void take_properties(const uint8_t *packet, size_t len, size_t *at, unsigned *receive_maximum,
                            unsigned *subscription)
{
    size_t end = take_variable(packet, len, at);
    end += *at;
    while (*at < end) {
        uint8_t name = *take(packet, len, at, 1);
        if (name == 0x21)
            *receive_maximum = take_number(packet, len, at);
        else if (name == 0x0b)
            *subscription = take_variable(packet, len, at);
        else if (name == 0x11 || name == 0x27)
            take(packet, len, at, 4);
        else if (name == 0x22)
            take(packet, len, at, 2);
        else if (name == 0x17 || name == 0x19)
            take(packet, len, at, 1);
        else
            die("a property that no client of the benchmark sends");
    }
}

/* ---- writing ---- */

static void put_byte(struct buffer *out, unsigned byte)
{
    uint8_t one = (uint8_t)byte;
    buffer_append(out, &one, 1);
}

static void put_variable(struct buffer *out, unsigned value)
{
    for (; value > 0x7f; value >>= 7)
        put_byte(out, value | 0x80);
    put_byte(out, value);
}

static void put(struct client *c, unsigned type, const uint8_t *body, size_t len)
{
    put_byte(&c->out, type << 4);
    put_variable(&c->out, (unsigned)len);
    buffer_append(&c->out, body, len);
}

/* `name` is a filter that ends in /+: each topic has as many digits as the others. */
static void put_template(struct client *c, const char *name, unsigned topic, unsigned subscription)
{
    char text[256];
    size_t stem = strlen(name) - 1;
    int topic_bytes = snprintf(text, sizeof text, "%.*s%05u", (int)stem, name, topic);
    struct buffer body = {0};
    put_byte(&body, (unsigned)topic_bytes >> 8);
    put_byte(&body, (unsigned)topic_bytes & 0xff);
    buffer_append(&body, text, (size_t)topic_bytes);
    size_t id_at = buffer_length(&body);
    if (options.qos)
        buffer_append(&body, "\0\0", 2);
    struct buffer properties = {0};
    if (subscription) {
        put_byte(&properties, 0x0b);
        put_variable(&properties, subscription);
    }
    if (c->is_v5) {
        put_variable(&body, (unsigned)buffer_length(&properties));
        if (subscription)
            buffer_append(&body, buffer_data(&properties), buffer_length(&properties));
    }
    memset(buffer_reserve(&body, options.bytes), 'x', options.bytes);
    buffer_commit(&body, options.bytes);
    size_t before = buffer_length(&flood.template);
    put_byte(&flood.template, PUBLISH << 4 | options.qos << 1);
    put_variable(&flood.template, (unsigned)buffer_length(&body));
    flood.id_at = buffer_length(&flood.template) - before + id_at;
    buffer_append(&flood.template, buffer_data(&body), buffer_length(&body));
    flood.packet_bytes = buffer_length(&flood.template) - before;
    buffer_finish(&properties);
    buffer_finish(&body);
}

static uint64_t finished(void)
{
    return options.qos == 0 || flood.answered < flood.acked ? flood.answered : flood.acked;
}

static void send_one(void)
{
    const uint8_t *packet = buffer_data(&flood.template) + flood.sent % options.topics * flood.packet_bytes;
    uint8_t *to = buffer_reserve(&flood.to->out, flood.packet_bytes);
    memcpy(to, packet, flood.packet_bytes);
    unsigned id = (unsigned)(flood.sent++ % IDS) + 1;
    if (options.qos) {
        to[flood.id_at] = (uint8_t)(id >> 8);
        to[flood.id_at + 1] = (uint8_t)id;
    }
    buffer_commit(&flood.to->out, flood.packet_bytes);
}

static void send_due(uint64_t now_ns)
{
    if (!flood.to || now_ns >= flood.stop_ns)
        return;
    unsigned window = options.window;
    if (options.qos && window > flood.to->receive_maximum)
        window = flood.to->receive_maximum;
    while (flood.sent - finished() < window)
        send_one();
}

/* ---- a client's packets ---- */

static void on_connect(struct client *c, const uint8_t *body, size_t len)
{
    size_t at = 0;
    unsigned ignored = 0;
    (void)take(body, len, &at, take_number(body, len, &at));
    c->is_v5 = *take(body, len, &at, 1) == 5;
    (void)take(body, len, &at, 3);
    c->receive_maximum = IDS;
    if (c->is_v5)
        take_properties(body, len, &at, &c->receive_maximum, &ignored);
    if (c->is_v5)
        put(c, CONNACK, (const uint8_t[]){0, 0, 0}, 3);
    else
        put(c, CONNACK, (const uint8_t[]){0, 0}, 2);
}

static void begin(struct client *c, const char *filter, unsigned subscription)
{
    flood.to = c;
    for (unsigned i = 0; i < options.topics; i++)
        put_template(c, filter, i, subscription);
    flood.start_ns = clock_now_ns();
    flood.counted_from_ns = flood.start_ns + (uint64_t)(options.seconds * 1e8);
    flood.stop_ns = flood.counted_from_ns + (uint64_t)(options.seconds * 1e9);
}

static void on_subscribe(struct client *c, const uint8_t *body, size_t len)
{
    size_t at = 0;
    unsigned ignored = 0, subscription = 0;
    char filter[200] = "";
    uint8_t ack[64] = {body[0], body[1]};
    size_t ack_len = c->is_v5 ? 3 : 2;
    (void)take_number(body, len, &at);
    if (c->is_v5)
        take_properties(body, len, &at, &ignored, &subscription);
    while (at < len && ack_len < sizeof ack) {
        size_t bytes = take_number(body, len, &at);
        snprintf(filter, sizeof filter, "%.*s", (int)bytes, (const char *)take(body, len, &at, bytes));
        ack[ack_len++] = *take(body, len, &at, 1) & 3;
    }
    put(c, SUBACK, ack, ack_len);
    if (!flood.to && strcmp(filter, options.filter) == 0)
        begin(c, filter, subscription);
}

static void on_unsubscribe(struct client *c, const uint8_t *body, size_t len)
{
    uint8_t ack[4] = {0};
    memcpy(ack, body, len < 2 ? len : 2);
    put(c, UNSUBACK, ack, c->is_v5 ? 4 : 2);
}

static void on_publish(struct client *c, unsigned flags, const uint8_t *body, size_t len)
{
    size_t at = 0;
    unsigned qos = flags >> 1 & 3;
    (void)take(body, len, &at, take_number(body, len, &at));
    if (qos == 2)
        die("an answer at QoS 2");
    if (qos == 1)
        put(c, PUBACK, take(body, len, &at, 2), 2);
    if (c == flood.to)
        flood.answered++;
}

/* false: the client has gone, politely. */
static bool obey(struct client *c, uint8_t first, const uint8_t *body, size_t len)
{
    switch (first >> 4) {
    case CONNECT:
        on_connect(c, body, len);
        return true;
    case PUBLISH:
        on_publish(c, first & 0xf, body, len);
        return true;
    case PUBACK:
        flood.acked += c == flood.to;
        return true;
    case SUBSCRIBE:
        on_subscribe(c, body, len);
        return true;
    case UNSUBSCRIBE:
        on_unsubscribe(c, body, len);
        return true;
    case PINGREQ:
        put(c, PINGRESP, NULL, 0);
        return true;
    case DISCONNECT:
        return false;
    default:
        die("a packet of an unknown type");
    }
}

/* Bytes of the packet at data[len]; 0: it is not whole yet. */
static size_t whole(const uint8_t *data, size_t len, size_t *ret_header)
{
    size_t value = 0, at = 1;
    for (int shift = 0; shift < 28; shift += 7, at++) {
        if (at >= len)
            return 0;
        value |= (size_t)(data[at] & 0x7f) << shift;
        if (!(data[at] & 0x80))
            break;
    }
    *ret_header = ++at;
    return len >= at + value ? at + value : 0;
}

static bool obey_all(struct client *c)
{
    size_t header, bytes;
    bool stays = true;
    while (stays && (bytes = whole(buffer_data(&c->in), buffer_length(&c->in), &header)) > 0) {
        const uint8_t *packet = buffer_data(&c->in);
        stays = obey(c, packet[0], packet + header, bytes - header);
        buffer_consume(&c->in, bytes);
    }
    return stays;
}

/* ---- sockets ---- */

static void leave(struct client *c)
{
    if (c == flood.to && clock_now_ns() < flood.stop_ns)
        die("the client left in the middle");
    close(c->fd);
    buffer_finish(&c->in);
    buffer_finish(&c->out);
    c->fd = -1;
}

static void receive(struct client *c)
{
    uint8_t *room = buffer_reserve(&c->in, READ_BYTES);
    ssize_t n = recv(c->fd, room, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        leave(c);
        return;
    }
    buffer_commit(&c->in, (size_t)n);
    if (!obey_all(c))
        leave(c);
}

static void flush(struct client *c)
{
    if (buffer_length(&c->out) == 0)
        return;
    ssize_t n = send(c->fd, buffer_data(&c->out), buffer_length(&c->out), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        buffer_consume(&c->out, (size_t)n);
    else if (errno != EAGAIN && errno != EINTR)
        leave(c);
}

static void welcome(int listener)
{
    int fd = accept(listener, NULL, NULL);
    for (struct client *c = clients; fd >= 0 && c < clients + CLIENTS_MAX; c++)
        if (c->fd < 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            *c = (struct client){.fd = fd};
            return;
        }
    die("too many clients");
}

static int listen_on_loopback(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0 || listen(fd, CLIENTS_MAX) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &len) < 0)
        die(strerror(errno));
    printf("port %u\n", (unsigned)ntohs(here.sin_port));
    fflush(stdout);
    return fd;
}

/* ---- the run ---- */

static void turn(int listener)
{
    struct pollfd sources[CLIENTS_MAX + 1];
    for (int i = 0; i < CLIENTS_MAX; i++)
        sources[i] =
            (struct pollfd){.fd = clients[i].fd,
                            .events = (short)(POLLIN | (buffer_length(&clients[i].out) > 0 ? POLLOUT : 0))};
    sources[CLIENTS_MAX] = (struct pollfd){.fd = listener, .events = POLLIN};
    if (poll(sources, CLIENTS_MAX + 1, 100) < 0 && errno != EINTR)
        die(strerror(errno));
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].fd >= 0 && sources[i].fd >= 0 && sources[i].revents & (POLLIN | POLLHUP | POLLERR))
            receive(&clients[i]);
    if (sources[CLIENTS_MAX].revents)
        welcome(listener);
    send_due(clock_now_ns());
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].fd >= 0)
            flush(&clients[i]);
}

static void start_counting(uint64_t now_ns)
{
    flood.counted_from = flood.answered;
    flood.counted_from_ns = now_ns;
}

static void run(int listener)
{
    while (!flood.to || clock_now_ns() < flood.counted_from_ns)
        turn(listener);
    start_counting(clock_now_ns());
    while (clock_now_ns() < flood.stop_ns)
        turn(listener);
    uint64_t stopped_ns = clock_now_ns(), answered = flood.answered - flood.counted_from;
    while (finished() < flood.sent && clock_now_ns() < stopped_ns + PATIENCE_MS * NS_PER_MS &&
           flood.to->fd >= 0)
        turn(listener);
    printf("%llu %.0f %lld\n", (unsigned long long)flood.answered,
           (double)answered * 1e9 / (double)(stopped_ns - flood.counted_from_ns),
           (long long)(flood.sent - finished()));
}

static unsigned number(const char *text, unsigned least, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || end == text || value < least || value > most)
        die("an option out of its bounds");
    return (unsigned)value;
}

static void parse(int argc, char **argv)
{
    static const struct option names[] = {{"filter", required_argument, NULL, 'f'},
                                          {"qos", required_argument, NULL, 'q'},
                                          {"window", required_argument, NULL, 'w'},
                                          {"bytes", required_argument, NULL, 'b'},
                                          {"topics", required_argument, NULL, 't'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {0}};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (option == 'f')
            options.filter = optarg;
        else if (option == 'q')
            options.qos = number(optarg, 0, 1);
        else if (option == 'w')
            options.window = number(optarg, 1, 32768);
        else if (option == 'b')
            options.bytes = number(optarg, 0, PACKET_BYTES_MAX);
        else if (option == 't')
            options.topics = number(optarg, 1, TOPICS_MAX);
        else if (option == 's')
            options.seconds = strtod(optarg, NULL);
        else
            die("unknown option");
    }
    if (optind < argc || !options.filter || !strstr(options.filter, "/+") || options.seconds < 0.01)
        die("usage: see the head of scripted_broker.c");
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    for (int i = 0; i < CLIENTS_MAX; i++)
        clients[i].fd = -1;
    run(listen_on_loopback());
    return EXIT_SUCCESS;
}

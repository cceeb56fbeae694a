/* load.c: sends messages to what is measured and counts and times its answers.
 *
 *     bench_load --port P --subject NAME [--qos 0|1] [--bytes B] [--seconds S] [--window W | --rate R]
 *                [--patience S]
 *
 * Publishes B bytes (64) to bench/NAME/in/0 and waits for as many answers on bench/NAME/out/#. With --window
 * it keeps W messages unanswered, for the throughput; with --rate it sends R messages a second on schedule,
 * whatever comes back, and an answer's time counts from the moment when its message was due. Answers that are
 * missing --patience (10) seconds after the last message are lost. Prints one line:
 *
 *     ANSWERED SECONDS PER_SECOND P50_US P99_US P999_US LOST
 */
#include "samples.h"
#include "shared/clock.h"
#include "wire_client.h"

#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { STAMP_DIGITS = 16, BYTES_MAX = 1 << 20, TOPIC_BYTES = 64 };

struct options {
    uint16_t port;
    const char *subject;
    uint8_t qos;
    unsigned bytes, window, rate;
    double seconds, patience;
};

struct load {
    const struct options *options;
    struct wire_client client;
    struct samples latency;
    char topic[TOPIC_BYTES];
    char *payload; /* its first STAMP_DIGITS are the time when it was due */
    uint64_t sent, answered;
    uint64_t start_ns, stop_ns; /* no message is sent from stop_ns on */
    uint64_t last_answer_ns;
};

static void send_one(struct load *l, uint64_t due_ns)
{
    char stamp[STAMP_DIGITS + 1];
    snprintf(stamp, sizeof stamp, "%0*" PRIx64, STAMP_DIGITS, due_ns);
    memcpy(l->payload, stamp, STAMP_DIGITS);
    wire_client_publish(&l->client, l->topic, l->options->qos, l->payload, l->options->bytes);
    l->sent++;
}

static uint64_t patience_ns(const struct load *l)
{
    return (uint64_t)(l->options->patience * (double)NS_PER_S);
}

static uint64_t next_due_ns(const struct load *l)
{
    return l->start_ns + l->sent * NS_PER_S / l->options->rate;
}

/* Queues all that may be sent now. Returns when to look again. */
static uint64_t send_due(struct load *l, uint64_t now_ns)
{
    if (l->options->rate == 0) {
        while (now_ns < l->stop_ns && l->sent - l->answered < l->options->window)
            send_one(l, now_ns);
        return l->stop_ns + patience_ns(l);
    }
    uint64_t due_ns = next_due_ns(l);
    for (; due_ns <= now_ns && due_ns < l->stop_ns; due_ns = next_due_ns(l))
        send_one(l, due_ns);
    return due_ns < l->stop_ns ? due_ns : l->stop_ns + patience_ns(l);
}

static void take_answers(struct load *l)
{
    struct wire_message m;
    uint64_t now_ns = clock_now_ns();
    while (wire_client_take(&l->client, &m)) {
        char stamp[STAMP_DIGITS + 1] = "";
        if (m.payload_len != l->options->bytes) {
            fprintf(stderr, "bench_load: an answer of %zu bytes\n", m.payload_len);
            exit(EXIT_FAILURE);
        }
        memcpy(stamp, m.payload, STAMP_DIGITS);
        samples_add(&l->latency, now_ns - strtoull(stamp, NULL, 16));
        l->answered++;
        l->last_answer_ns = now_ns;
    }
}

static void wait_until(struct load *l, uint64_t until_ns, bool is_flushed)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct pollfd p = {.fd = l->client.fd, .events = (short)(is_flushed ? POLLIN : POLLIN | POLLOUT)};
    struct timespec timeout = {.tv_sec = (time_t)(wait_ns / NS_PER_S), .tv_nsec = (long)(wait_ns % NS_PER_S)};
    if (ppoll(&p, 1, &timeout, NULL) > 0 && p.revents & (POLLIN | POLLHUP | POLLERR))
        wire_client_receive(&l->client);
}

static bool is_over(const struct load *l, uint64_t now_ns)
{
    return now_ns >= l->stop_ns + patience_ns(l) || (now_ns >= l->stop_ns && l->answered >= l->sent);
}

static void run(struct load *l)
{
    l->start_ns = clock_now_ns();
    l->stop_ns = l->start_ns + (uint64_t)(l->options->seconds * (double)NS_PER_S);
    l->last_answer_ns = l->start_ns;
    for (uint64_t now_ns = l->start_ns; !is_over(l, now_ns); now_ns = clock_now_ns()) {
        uint64_t look_again_ns = send_due(l, now_ns);
        if (now_ns < l->stop_ns && look_again_ns > l->stop_ns)
            look_again_ns = l->stop_ns;
        wait_until(l, look_again_ns, wire_client_flush(&l->client));
        take_answers(l);
    }
}

static void report(struct load *l)
{
    double seconds = (double)(l->last_answer_ns - l->start_ns) / (double)NS_PER_S;
    printf("%" PRIu64 " %.3f %.1f %.1f %.1f %.1f %" PRId64 "\n", l->answered, seconds,
           seconds > 0 ? (double)l->answered / seconds : 0, samples_percentile_us(&l->latency, 50),
           samples_percentile_us(&l->latency, 99), samples_percentile_us(&l->latency, 99.9),
           (int64_t)(l->sent - l->answered));
}

static void measure(const struct options *o)
{
    struct load l = {.options = o, .payload = malloc(o->bytes)};
    char id[64], filter[TOPIC_BYTES];
    if (!l.payload)
        exit(EXIT_FAILURE);
    memset(l.payload, '0', o->bytes);
    snprintf(l.topic, sizeof l.topic, "bench/%.32s/in/0", o->subject);
    snprintf(id, sizeof id, "bench-load-%d", (int)getpid());
    snprintf(filter, sizeof filter, "bench/%.32s/out/#", o->subject);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    wire_client_open(&l.client, o->port, id, filter);
    run(&l);
    report(&l);
    wire_client_close(&l.client);
    samples_finish(&l.latency);
    free(l.payload);
}

__attribute__((noreturn)) static void usage(void)
{
    fprintf(stderr, "usage: bench_load --port P --subject NAME [--qos 0|1] [--bytes B] [--seconds S] "
                    "[--window W | --rate R] [--patience S]\n");
    exit(64);
}

static void take_option(struct options *o, int option)
{
    switch (option) {
    case 'p':
        o->port = (uint16_t)strtoul(optarg, NULL, 10);
        break;
    case 's':
        o->subject = optarg;
        break;
    case 'q':
        o->qos = (uint8_t)strtoul(optarg, NULL, 10);
        break;
    case 'b':
        o->bytes = (unsigned)strtoul(optarg, NULL, 10);
        break;
    case 'w':
        o->window = (unsigned)strtoul(optarg, NULL, 10);
        break;
    case 'r':
        o->rate = (unsigned)strtoul(optarg, NULL, 10);
        break;
    case 'd':
        o->seconds = strtod(optarg, NULL);
        break;
    case 'l':
        o->patience = strtod(optarg, NULL);
        break;
    default:
        usage();
    }
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"port", required_argument, NULL, 'p'},
        {"subject", required_argument, NULL, 's'},
        {"qos", required_argument, NULL, 'q'},
        {"bytes", required_argument, NULL, 'b'},
        {"window", required_argument, NULL, 'w'},
        {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 'd'},
        {"patience", required_argument, NULL, 'l'},
        {0},
    };
    struct options o = {.bytes = 64, .window = 1, .seconds = 1, .patience = 10};
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        take_option(&o, option);
    if (optind != argc || !o.port || !o.subject || o.qos > 1 || o.bytes < STAMP_DIGITS ||
        o.bytes > BYTES_MAX || o.window == 0 || o.window > UINT16_MAX || o.seconds <= 0 || o.patience < 0)
        usage();
    measure(&o);
    return EXIT_SUCCESS;
}

/* libmosquitto.c: what one writes by hand instead of a function: a client of libmosquitto that answers each
 * message on bench/SUBJECT/in/N with its payload on bench/SUBJECT/out/N, at its QoS.
 *
 *     bench_peer_libmosquitto PORT SUBJECT [pipe]
 *
 * Its handler is in the message callback; with `pipe` in another process, asked over one pipe and answering
 * over another, a message at a time: the plain way to keep a crash of the handler from the client. It sends
 * without Nagle's delay and lets the 20 answers that are libmosquitto's default wait for the broker's
 * acknowledgement. Says `ready` on standard output once it is subscribed, and runs until SIGTERM.
 * libmosquitto acknowledges a message before the callback sees it: a crash in here loses the message, which
 * hark's time pays for and this program's does not. */
#include <errno.h>
#include <mosquitto.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { TOPIC_BYTES = 128, PAYLOAD_MAX = 1 << 20 };

/* Of a message on either pipe; its payload follows. */
struct head {
    char topic[TOPIC_BYTES];
    size_t bytes;
};

struct peer {
    const char *subject;
    int ask, answer; /* pipes of the handler's process; -1: it is in the callback */
};

static char payload[PAYLOAD_MAX];

/* ---- the handler ---- */

static void handle(const char *subject, const char *topic, char ret_topic[TOPIC_BYTES])
{
    const char *number = strrchr(topic, '/');
    snprintf(ret_topic, TOPIC_BYTES, "bench/%s/out%s", subject, number ? number : "/");
}

static bool read_all(int fd, void *to, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t n = read(fd, (char *)to + at, bytes - at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *from, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t n = write(fd, (const char *)from + at, bytes - at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* The head and a payload that fits in a pipe go in one write. */
static bool put(int fd, const char *topic, const void *data, size_t bytes)
{
    static char together[sizeof(struct head) + PAYLOAD_MAX];
    struct head head = {.bytes = bytes};
    if (bytes > PAYLOAD_MAX)
        return false;
    snprintf(head.topic, sizeof head.topic, "%s", topic);
    memcpy(together, &head, sizeof head);
    memcpy(together + sizeof head, data, bytes);
    return write_all(fd, together, sizeof head + bytes);
}

static bool get(int fd, struct head *ret_head)
{
    return read_all(fd, ret_head, sizeof *ret_head) && ret_head->bytes <= PAYLOAD_MAX &&
           read_all(fd, payload, ret_head->bytes);
}

static _Noreturn void be_handler(const char *subject, int in, int out)
{
    struct head head;
    char topic[TOPIC_BYTES];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (get(in, &head)) {
        handle(subject, head.topic, topic);
        if (!put(out, topic, payload, head.bytes))
            break;
    }
    _exit(EXIT_SUCCESS);
}

static void start_handler(struct peer *p)
{
    int ask[2], answer[2];
    if (pipe(ask) < 0 || pipe(answer) < 0)
        exit(EXIT_FAILURE);
    pid_t pid = fork();
    if (pid < 0)
        exit(EXIT_FAILURE);
    if (pid == 0) {
        close(ask[1]);
        close(answer[0]);
        be_handler(p->subject, ask[0], answer[1]);
    }
    close(ask[0]);
    close(answer[1]);
    p->ask = ask[1];
    p->answer = answer[0];
}

/* ---- the client ---- */

static void publish(struct mosquitto *client, const char *topic, const void *data, size_t bytes, int qos)
{
    if (mosquitto_publish(client, NULL, topic, (int)bytes, data, qos, false) != MOSQ_ERR_SUCCESS)
        exit(EXIT_FAILURE);
}

static void on_message(struct mosquitto *client, void *user, const struct mosquitto_message *m)
{
    const struct peer *p = user;
    struct head head;
    if (p->ask < 0) {
        handle(p->subject, m->topic, head.topic);
        publish(client, head.topic, m->payload, (size_t)m->payloadlen, m->qos);
        return;
    }
    if (!put(p->ask, m->topic, m->payload, (size_t)m->payloadlen) || !get(p->answer, &head))
        exit(EXIT_FAILURE);
    publish(client, head.topic, payload, head.bytes, m->qos);
}

static void on_connect(struct mosquitto *client, void *user, int code)
{
    const struct peer *p = user;
    char filter[TOPIC_BYTES];
    snprintf(filter, sizeof filter, "bench/%s/in/+", p->subject);
    if (code != 0 || mosquitto_subscribe(client, NULL, filter, 2) != MOSQ_ERR_SUCCESS)
        exit(EXIT_FAILURE);
}

static void on_subscribe(struct mosquitto *client, void *user, int id, int count, const int *granted)
{
    (void)client, (void)user, (void)id, (void)count, (void)granted;
    puts("ready");
    fflush(stdout);
}

static void on_term(int signal)
{
    (void)signal;
    _Exit(EXIT_SUCCESS);
}

static int serve(struct peer *p, int port)
{
    struct mosquitto *client = mosquitto_new(NULL, true, p);
    if (!client)
        return EXIT_FAILURE;
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    int error = mosquitto_connect(client, "127.0.0.1", port, 60);
    if (error == MOSQ_ERR_SUCCESS)
        error = mosquitto_loop_forever(client, -1, 1);
    fprintf(stderr, "peer_libmosquitto: %s\n", mosquitto_strerror(error));
    mosquitto_destroy(client);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    bool is_piped = argc == 4 && strcmp(argv[3], "pipe") == 0;
    if (argc != 3 && !is_piped) {
        fprintf(stderr, "usage: bench_peer_libmosquitto PORT SUBJECT [pipe]\n");
        return 64;
    }
    struct peer p = {.subject = argv[2], .ask = -1, .answer = -1};
    if (is_piped)
        start_handler(&p);
    signal(SIGTERM, on_term);
    mosquitto_lib_init();
    return serve(&p, (int)strtol(argv[1], NULL, 10));
}

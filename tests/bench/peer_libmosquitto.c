/* peer_libmosquitto.c: what one writes by hand instead of a function: a client with its handler in the
 * message callback. It answers each message on bench/peer/in/N with its payload on bench/peer/out/N, at its
 * QoS.
 *
 *     bench_peer_libmosquitto PORT MAX_INFLIGHT
 *
 * MAX_INFLIGHT is how many answers may wait for the broker's acknowledgement; 0 is no limit. Says `ready` on
 * standard output once it is subscribed, and runs until SIGTERM. libmosquitto acknowledges a message before
 * the callback sees it: a crash in here loses the message, which hark's budget pays for and this program does
 * not. */
#include <mosquitto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char in_prefix[] = "bench/peer/in/";

static void on_message(struct mosquitto *client, void *user, const struct mosquitto_message *m)
{
    (void)user;
    char topic[64];
    snprintf(topic, sizeof topic, "bench/peer/out/%s", m->topic + strlen(in_prefix));
    if (mosquitto_publish(client, NULL, topic, m->payloadlen, m->payload, m->qos, false) != MOSQ_ERR_SUCCESS)
        exit(EXIT_FAILURE);
}

static void on_connect(struct mosquitto *client, void *user, int code)
{
    (void)user;
    if (code != 0 || mosquitto_subscribe(client, NULL, "bench/peer/in/+", 2) != MOSQ_ERR_SUCCESS)
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

static int serve(int port, unsigned max_inflight)
{
    struct mosquitto *client = mosquitto_new("bench/peer", true, NULL);
    if (!client)
        return EXIT_FAILURE;
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_max_inflight_messages_set(client, max_inflight);
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
    if (argc != 3) {
        fprintf(stderr, "usage: bench_peer_libmosquitto PORT MAX_INFLIGHT\n");
        return 64;
    }
    signal(SIGTERM, on_term);
    mosquitto_lib_init();
    return serve((int)strtol(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10));
}

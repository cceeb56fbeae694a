/* scripted_broker.c: as little of a broker as a client needs to be measured without one.
 *
 * Says `port P` on standard output and waits for clients of MQTT 5 or 3.1.1, which it keeps content. Orders
 * come on standard input, one a line, and are carried out one after the other; end of file ends it:
 *
 *     flood SUBJECT QOS WINDOW BYTES TOPICS SECONDS
 *     march SUBJECT QOS WINDOW BYTES TOPICS MESSAGES
 *
 * Both wait for a client that subscribes to bench/SUBJECT/in/+ and send it messages on TOPICS topics. A
 * message is answered when its PUBACK (at QoS 1) and a PUBLISH of the client have come. A flood keeps WINDOW
 * of them unanswered; after a tenth of SECONDS it begins to count; SECONDS later it stops and counts on until
 * nothing is missing, also of those who put off their answers. A march sends WINDOW at once whenever none is
 * unanswered, so that what the client does is the same each time. Each order's answer is one line; PER_SECOND
 * is 0 for a march; EARLY are the messages that were acknowledged (at QoS 1) before the client could know
 * that the broker had their answers. An answer of another QoS or length than its message ends the program:
 *
 *     ANSWERED PER_SECOND LOST EARLY */
#include "script_flood.h"

#include "shared/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 1016, LISTENER = CLIENTS_MAX, ORDERS, SOURCES, LINE_BYTES = 256, TURN_MS = 100 };

#define SUBSCRIBE_TIME_NS (60 * NS_PER_S)

static struct script_client clients[CLIENTS_MAX];
static struct script_order order; /* a subject of "": none */
static struct script_flood flood; /* none unless it has a client */
static uint64_t ordered_ns;
static bool is_over;

static void welcome(int listener)
{
    int fd = accept(listener, NULL, NULL);
    for (struct script_client *c = clients; fd >= 0 && c < clients + CLIENTS_MAX; c++) {
        if (c->fd < 0) {
            script_client_open(c, fd);
            return;
        }
    }
    script_die("too many clients");
}

static int listen_on_loopback(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0 || listen(fd, CLIENTS_MAX) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &len) < 0)
        script_die(strerror(errno));
    printf("port %u\n", (unsigned)ntohs(here.sin_port));
    fflush(stdout);
    return fd;
}

/* One line at a time: who orders waits for the answer. */
static void take_order(void)
{
    char line[LINE_BYTES];
    ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
    if (n <= 0) {
        is_over = true;
        return;
    }
    line[n] = '\0';
    if (!script_order_parse(line, &order))
        script_die("an order that it does not know: see the head of scripted_broker.c");
    ordered_ns = clock_now_ns();
}

static void begin_when_subscribed(void)
{
    char filter[SCRIPT_FILTER_BYTES];
    snprintf(filter, sizeof filter, "bench/%s/in/+", order.subject);
    for (struct script_client *c = clients; !flood.to && c < clients + CLIENTS_MAX; c++)
        if (c->fd >= 0 && strcmp(c->filter, filter) == 0)
            script_flood_begin(&flood, &order, c);
    if (!flood.to && clock_now_ns() > ordered_ns + SUBSCRIBE_TIME_NS)
        script_die("nobody subscribes");
}

static void carry_out(void)
{
    if (!flood.to)
        begin_when_subscribed();
    if (flood.to && script_flood_turn(&flood)) {
        script_flood_report(&flood);
        script_flood_end(&flood);
        order.subject[0] = '\0';
    }
}

static void wait_for_events(struct pollfd sources[SOURCES], int listener)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        short events = (short)(POLLIN | (buffer_length(&clients[i].out) > 0 ? POLLOUT : 0));
        sources[i] = (struct pollfd){.fd = clients[i].fd, .events = events};
    }
    sources[LISTENER] = (struct pollfd){.fd = listener, .events = POLLIN};
    sources[ORDERS] = (struct pollfd){.fd = order.subject[0] ? -1 : STDIN_FILENO, .events = POLLIN};
    if (poll(sources, SOURCES, TURN_MS) < 0 && errno != EINTR)
        script_die(strerror(errno));
}

/* Only the client of the flood counts while there is one: to look at a thousand idle ones each time would
 * cost more than what is measured. They are heard when it is over. */
static void turn_of_flood(void)
{
    struct script_client *c = flood.to;
    short events = (short)(POLLIN | (buffer_length(&c->out) > 0 ? POLLOUT : 0));
    struct pollfd source = {.fd = c->fd, .events = events};
    if (poll(&source, 1, TURN_MS) < 0 && errno != EINTR)
        script_die(strerror(errno));
    if (source.revents & (POLLIN | POLLHUP | POLLERR))
        script_client_receive(c);
    carry_out();
    if (c->fd >= 0)
        script_client_flush(c);
}

static void turn(int listener)
{
    struct pollfd sources[SOURCES];
    wait_for_events(sources, listener);
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (sources[i].fd >= 0 && sources[i].revents & (POLLIN | POLLHUP | POLLERR))
            script_client_receive(&clients[i]);
    if (sources[LISTENER].revents)
        welcome(listener);
    if (sources[ORDERS].revents)
        take_order();
    if (order.subject[0])
        carry_out();
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (clients[i].fd >= 0)
            script_client_flush(&clients[i]);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        script_die("takes no arguments: see the head of scripted_broker.c");
    for (int i = 0; i < CLIENTS_MAX; i++)
        clients[i].fd = -1;
    int listener = listen_on_loopback();
    while (!is_over) {
        if (flood.to)
            turn_of_flood();
        else
            turn(listener);
    }
    return EXIT_SUCCESS;
}

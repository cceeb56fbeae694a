#include "mqtt/client_internal.h"

#include "shared/check.h"

#include <signal.h>
#include <stdlib.h>

/* Clients are collected first and served then, since a callback may mark others, or the same one again: those
 * come in the next turn, which the idle handle brings at once. */
static void on_turn(uv_idle_t *turn)
{
    struct mqtt_io *io = turn->data;
    struct client_list clients = TAILQ_HEAD_INITIALIZER(clients);
    struct mqtt_client *c;

    TAILQ_CONCAT(&clients, &io->marked, entry);
    while ((c = TAILQ_FIRST(&clients))) {
        TAILQ_REMOVE(&clients, c, entry);
        c->marked = false;
        client_turn(c);
    }
    if (TAILQ_EMPTY(&io->marked))
        uv_idle_stop(turn);
}

void io_mark(struct mqtt_client *c)
{
    if (c->marked || c->phase == CLIENT_GONE)
        return;
    c->marked = true;
    TAILQ_INSERT_TAIL(&c->io->marked, c, entry);
    /* Idle handles run after timers and before the loop waits for I/O, and as long as one is active it does
     * not wait. So all that I/O and timers of a turn have queued leaves here, and nothing is ever left lying,
     * whatever kind of handle queued it. Without work it is stopped and costs nothing. */
    uv_idle_start(&c->io->turn, on_turn);
}

void io_unmark(struct mqtt_client *c)
{
    if (!c->marked)
        return;
    c->marked = false;
    TAILQ_REMOVE(&c->io->marked, c, entry);
}

/* A write to a connection that the broker has reset is an error code for us, not the end of the process. */
static void ignore_sigpipe(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

struct mqtt_io *mqtt_io_create(uv_loop_t *loop)
{
    struct mqtt_io *io = malloc(sizeof *io);
    if (!io)
        return NULL;
    io->loop = loop;
    io->random_left = 0;
    io->pulse_fd = -1;
    io->handles = 1;
    TAILQ_INIT(&io->marked);
    TAILQ_INIT(&io->patient);
    uv_idle_init(loop, &io->turn);
    io->turn.data = io;
    ignore_sigpipe();
    return io;
}

static void on_closed(uv_handle_t *handle)
{
    struct mqtt_io *io = handle->data;
    if (--io->handles == 0)
        free(io);
}

void mqtt_io_close(struct mqtt_io *io)
{
    CHECK(TAILQ_EMPTY(&io->marked) && TAILQ_EMPTY(&io->patient));
    io_close_pulse(io, on_closed);
    uv_close((uv_handle_t *)&io->turn, on_closed);
}

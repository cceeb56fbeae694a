/* client_patience.c: acknowledgements that wait for the next message, as patience.h says. */
#include "mqtt/client_internal.h"

#include "shared/clock.h"

#include <sys/socket.h>

/* The kernel wakes nobody for less than that many bytes (SO_RCVLOWAT in socket(7)), but for the end of the
 * connection; when the mark is lowered, it looks at what is there. */
static void wake_from(struct mqtt_client *c, int bytes)
{
    int fd;
    if (uv_fileno((uv_handle_t *)&c->link->tcp, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes); /* else it is woken: no harm */
}

/* False: there is nothing that would end it. */
static bool begin(struct mqtt_client *c)
{
    if (io_patient(c) < 0)
        return false;
    wake_from(c, PATIENCE_ACK_BYTES + 1);
    return true;
}

static void end(struct mqtt_client *c)
{
    io_impatient(c);
    wake_from(c, 1);
}

/* What is left of a packet may be short, and so is not waited for. */
static enum patience_heard heard_in(struct mqtt_client *c, size_t len)
{
    struct mqtt_session_counts counts;
    if (buffer_length(&c->partial) > 0 || c->messages > 1)
        return PATIENCE_COMPANY;
    if (c->messages == 0)
        return len == PATIENCE_ACK_BYTES ? PATIENCE_ACK : PATIENCE_COMPANY;
    mqtt_session_counts(c->session, &counts);
    bool was_answered = counts.answered != c->link->answered;
    c->link->answered = counts.answered;
    return counts.window == 1 && was_answered ? PATIENCE_MESSAGE : PATIENCE_COMPANY;
}

/* Below TLS and WebSocket an acknowledgement has other lengths. */
bool patience_took(struct mqtt_client *c, size_t len)
{
    struct patience *p = &c->link->patience;
    bool was_on = p->is_on;
    uint64_t now_ns = clock_now_ns();
    if (c->link->tls || c->link->web)
        return false;
    patience_heard(p, heard_in(c, len), now_ns);
    if (p->is_on && !was_on && !begin(c))
        patience_over(p, now_ns);
    else if (was_on && !p->is_on)
        end(c);
    return p->is_on && was_on;
}

void patience_look(struct mqtt_client *c, uint64_t now_ns)
{
    struct patience *p = &c->link->patience;
    if (now_ns < p->heard_ns + PATIENCE_NS)
        return;
    patience_over(p, now_ns);
    end(c);
    if (buffer_length(mqtt_session_output(client_session(c))) > 0)
        io_mark(c);
}

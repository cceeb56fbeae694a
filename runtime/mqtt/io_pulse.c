/* io_pulse.c: the clock of those that are patient. Not a timer of the loop: the kernel would set its own anew
 * each time that the loop waits, which costs a conversation more than patience saves. */
#include "mqtt/client_internal.h"

#include "shared/clock.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void arm(struct mqtt_io *io, long in_ns)
{
    struct itimerspec once = {.it_value = {.tv_nsec = in_ns}};
    (void)timerfd_settime(io->pulse_fd, 0, &once, NULL); /* a valid time on a timer of ours */
}

static void on_pulse(uv_poll_t *pulse, int status, int events)
{
    struct mqtt_io *io = pulse->data;
    struct mqtt_client *c = TAILQ_FIRST(&io->patient), *next;
    uint64_t times, now_ns = clock_now_ns();
    (void)status, (void)events;
    if (read(io->pulse_fd, &times, sizeof times) != sizeof times)
        return;
    for (; c; c = next) {
        next = TAILQ_NEXT(c, patient_entry);
        patience_look(c, now_ns);
    }
    if (!TAILQ_EMPTY(&io->patient))
        arm(io, PATIENCE_LOOK_NS);
}

static int open_pulse(struct mqtt_io *io)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = uv_poll_init(io->loop, &io->pulse, fd);
    if (error) {
        close(fd);
        return error;
    }
    io->pulse_fd = fd;
    io->pulse.data = io;
    io->handles++;
    uv_poll_start(&io->pulse, UV_READABLE, on_pulse);
    uv_unref((uv_handle_t *)&io->pulse);
    return 0;
}

int io_patient(struct mqtt_client *c)
{
    struct mqtt_io *io = c->io;
    int error = io->pulse_fd < 0 ? open_pulse(io) : 0;
    if (error)
        return error;
    arm(io, PATIENCE_NS); /* soon, whatever it was to be: it may be no gain at all */
    c->is_patient = true;
    TAILQ_INSERT_TAIL(&io->patient, c, patient_entry);
    return 0;
}

void io_impatient(struct mqtt_client *c)
{
    if (c->is_patient)
        TAILQ_REMOVE(&c->io->patient, c, patient_entry);
    c->is_patient = false;
}

void io_close_pulse(struct mqtt_io *io, uv_close_cb on_closed)
{
    if (io->pulse_fd < 0)
        return;
    uv_close((uv_handle_t *)&io->pulse, on_closed);
    close(io->pulse_fd);
}

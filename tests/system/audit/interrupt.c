#include "audit/interrupt.h"

#include "shared/check.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

static int asked = -1;

static void on_signal(int signal)
{
    (void)signal;
    eventfd_write(asked, 1);
}

void interrupt_init(void)
{
    asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(asked >= 0);
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    CHECK(sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0);
}

bool interrupt_within(int ms)
{
    struct pollfd p = {.fd = asked, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

void interrupt_forget(void)
{
    eventfd_t count;
    eventfd_read(asked, &count);
}

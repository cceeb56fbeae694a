/* port.h: TCP ports on the loopback interface. */
#ifndef TESTS_SUPPORT_PORT_H
#define TESTS_SUPPORT_PORT_H

#include <stdint.h>

/* A port that nobody listens on just now. Somebody else may take it before you do: be ready to try again. */
uint16_t port_find_free(void);

/* A listening socket on 127.0.0.1, on a free port. Close-on-exec. */
int port_listen(uint16_t *ret_port);

/* A connected socket, or -1. */
int port_connect(uint16_t port);

#endif

/* tcp_line.h: how far the bytes of a TCP connection have come. */
#ifndef HARK_MQTT_TCP_LINE_H
#define HARK_MQTT_TCP_LINE_H

#include <stdint.h>

/* Bytes that the other end's TCP has acknowledged, and those that it has not: tcp(7), SIOCOUTQ. Both 0 where
 * the kernel does not tell. */
void tcp_line_look(int fd, uint64_t *ret_acked, uint64_t *ret_waiting);

#endif

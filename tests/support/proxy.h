/* proxy.h: a TCP proxy between a client and a broker, with the ways in which a network fails. TLS passes
 * through it as any bytes do, or ends in it.
 *
 * A thread of its own moves the bytes; the calls are for the test's main thread and take effect before they
 * return. */
#ifndef TESTS_SUPPORT_PROXY_H
#define TESTS_SUPPORT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proxy;

struct proxy *proxy_start(uint16_t upstream_port); /* lives until the end of the test */
const char *proxy_url(const struct proxy *p);      /* mqtt://127.0.0.1:port, or mqtts://; borrowed */
uint16_t proxy_port(const struct proxy *p);

/* Clients speak TLS to it, and it speaks TCP to the broker: a tap sees what is said. Not with
 * proxy_refuse_5. */
struct proxy *proxy_start_tls(uint16_t upstream_port);
const char *proxy_ca_file(const struct proxy *p); /* of what signed its certificate; NULL: no TLS; borrowed */

size_t proxy_cut(struct proxy *p); /* resets every connection, says how many; new ones are welcome */
void proxy_stall(struct proxy *p); /* nothing moves any more, in either direction */
void proxy_resume(struct proxy *p);
void proxy_half_open(struct proxy *p); /* the broker's ends are closed, the client's stay open and silent */
void proxy_abandon(struct proxy *p);   /* the client's ends are closed, the broker's stay open and silent */

/* Calls on_break(user) whenever a connection has come to its end, by a call above or by an end of its own;
 * from the proxy's thread or the caller's, which holds the proxy's lock: it must not call back. */
void proxy_watch(struct proxy *p, void (*on_break)(void *user), void *user);

/* From now on new connections are closed as soon as the client has said something, or taken again. */
void proxy_hang_up(struct proxy *p, bool hangs_up);

/* From now on what is behind it speaks only MQTT 3.1.1: a new connection that begins with a CONNECT of MQTT 5
 * is answered as 3.1.1 has it, with return code 1, or not at all if `silent`, and closed. */
void proxy_refuse_5(struct proxy *p, bool silent);
void proxy_take_5(struct proxy *p); /* again */

enum proxy_way { PROXY_TO_BROKER, PROXY_TO_CLIENT };

/* Calls on_bytes(user, ...) with what has been passed on, and with a length of 0 when a connection, counted
 * from 1, is over. As above, from any thread, under the lock. NULL: no more calls once it returns. */
void proxy_tap(struct proxy *p,
               void (*on_bytes)(void *user, size_t connection, enum proxy_way way, const void *data,
                                size_t len),
               void *user);

size_t proxy_connections(struct proxy *p); /* accepted so far */

/* Waits until that many were accepted in all; false: the deadline came first. */
bool proxy_accepts(struct proxy *p, size_t count, int within_ms);

#endif

/* proxy.h: a TCP proxy between a client and a broker, with the ways in which a network fails.
 *
 * A thread of its own moves the bytes; the calls are for the test's main thread and take effect before they
 * return. */
#ifndef TESTS_SUPPORT_PROXY_H
#define TESTS_SUPPORT_PROXY_H

#include <stddef.h>
#include <stdint.h>

struct proxy;

struct proxy *proxy_start(uint16_t upstream_port); /* lives until the end of the test */
const char *proxy_url(const struct proxy *p);      /* mqtt://127.0.0.1:port; borrowed */

size_t proxy_cut(struct proxy *p); /* resets every connection, says how many; new ones are welcome */
void proxy_stall(struct proxy *p); /* nothing moves any more, in either direction */
void proxy_resume(struct proxy *p);
void proxy_half_open(struct proxy *p); /* the broker's ends are closed, the client's stay open and silent */

size_t proxy_connections(struct proxy *p); /* accepted so far */

#endif

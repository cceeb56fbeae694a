/* slow_link.h: a TCP relay with the delay and the width of a bad line, a satellite's for instance.
 *
 * A thread of its own moves the bytes. What has come in arrives whole and in order, `delay_ms` later, and no
 * faster than `bytes_per_s`. */
#ifndef TESTS_SUPPORT_SLOW_LINK_H
#define TESTS_SUPPORT_SLOW_LINK_H

#include <stddef.h>
#include <stdint.h>

struct slow_link_options {
    uint16_t upstream_port;
    unsigned delay_ms;    /* each way */
    unsigned bytes_per_s; /* each way; 0: no limit */
};

struct slow_link;

struct slow_link *slow_link_start(const struct slow_link_options *o); /* lives until the end of the test */
uint16_t slow_link_port(const struct slow_link *l);

#endif

/* steady.h: a device that sends numbers to a function at a steady rate, and times each answer.
 *
 * On a client and threads of its own. Numbers start at 0, at QoS 1 both ways. */
#ifndef TESTS_ATTACK_STEADY_H
#define TESTS_ATTACK_STEADY_H

#include <stddef.h>
#include <stdint.h>

struct steady_options {
    uint16_t port;
    const char *username, *password;
    const char *to, *from; /* topics: of the questions, of the answers */
    unsigned per_second;
    size_t most; /* it stops by itself after so many */
};

struct steady;

/* Sends from now on; ended, at the latest, at the end of the test. */
struct steady *steady_start(const struct steady_options *o);

/* Waits for the answer to `number`, also one that is yet to be sent: fails the test when it does not come. */
void steady_await(struct steady *s, size_t number);

size_t steady_sent(struct steady *s);

/* Sends no more, and waits for the answers to all that was sent. Returns how many did not come in time. */
size_t steady_finish(struct steady *s);

/* Nanoseconds within which 99 of 100 of the numbers from .. to-1 were answered; all of them have been. */
uint64_t steady_p99_ns(struct steady *s, size_t from, size_t to);

#endif

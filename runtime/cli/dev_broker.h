/* dev_broker.h: a private mosquitto for `hark dev`: on a loopback port, without persistence, gone with hark.
 *
 * On the loop thread. The broker is the real program, found on PATH; nothing outside this machine can reach
 * it. */
#ifndef HARK_CLI_DEV_BROKER_H
#define HARK_CLI_DEV_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

enum {
    DEV_BROKER_START_MS = 10000,
    DEV_BROKER_RETRY_MS = 20,
    DEV_BROKER_TRIES = 5,
    DEV_BROKER_END_MS = 2000
};

struct dev_broker {
    uv_loop_t *loop;
    char *folder;  /* temporary: its configuration, its last words, and hark's state */
    char *program; /* path of mosquitto */
    uint16_t port;
    pid_t pid; /* 0: it does not run */
    int pidfd;
    uv_poll_t exit_poll; /* pidfd is readable when it has ended */
    bool polling;
    void (*ended)(void *user); /* it ended though nobody asked it to; NULL until dev_broker_watch */
    void *user;
};

/* Starts it and runs the loop until it takes connections, or *stop becomes true (then: 0, and no broker).
 * port 0: a free one. 0, or the exit code, logged: 69 when there is no mosquitto, it does not start, or the
 * port is taken. In every case dev_broker_finish must follow. */
__attribute__((warn_unused_result)) int dev_broker_start(struct dev_broker *b, uv_loop_t *loop, uint16_t port,
                                                         const volatile unsigned *stop);
void dev_broker_watch(struct dev_broker *b, void (*ended)(void *user), void *user);
/* What it said last, for people; buffer[size]. */
const char *dev_broker_last_words(const struct dev_broker *b, char *buffer, size_t size);

/* Ends it, waits for its end, removes the folder. Its handle closes with the loop's next turns. */
void dev_broker_finish(struct dev_broker *b);
/* What of that can be done by who is about to die. */
void dev_broker_kill(struct dev_broker *b);

#endif

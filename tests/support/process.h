/* process.h: a child process that dies with the test, its output as lines.
 *
 * Started from the test's main thread only: the child's PDEATHSIG is bound to that thread. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include "support/lines.h"

#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct process {
    SLIST_ENTRY(process) next;
    char name[32];
    pid_t pid; /* 0: waited for */
    struct lines *out, *err;
    int status; /* of waitpid(2), once pid is 0 */
    int orders; /* writes to its standard input; -1: not asked for */
};

struct process_options {
    const char *name;
    const char *const *argv; /* argv[0] is a path or is searched on PATH; NULL-terminated */
    const char *input;       /* what the child reads from standard input; NULL: nothing */
    bool takes_orders;       /* instead of `input`: standard input stays open, for process_order */
    const char *environment; /* one more NAME=value; NULL: none */
    bool as_nobody;          /* drop to 65534:65534 when the test runs as root */
    const char *cgroup;      /* folder of the cgroup v2 to run in; NULL: that of the test */
};

/* Ended, if it still lives, with SIGKILL at the end of the test. */
struct process *process_start(const struct process_options *o);

/* Writes a line to its standard input. It may have ended: that is no failure here. */
void process_order(struct process *p, const char *line);

void process_signal(struct process *p, int signal);

/* Signals it until it has ended: mosquitto 2.0 forgets what comes between its word that it is running and its
 * loop. */
void process_stop(struct process *p, int signal);

bool process_is_alive(const struct process *p);

/* Waits for its end. The exit code, or 128 + the signal that ended it. */
int process_wait(struct process *p);
int process_wait_within(struct process *p, int ms); /* for one that may take longer than GUARD_MS */

/* Waits until nobody is left that could write to its standard output and error. */
void process_drain(struct process *p);

/* Fails the test, and first shows what all processes said. */
__attribute__((format(printf, 1, 2), noreturn)) void give_up(const char *format, ...);

/* User and system time it has used so far, without its children. */
uint64_t process_cpu_ns(const struct process *p);

#endif

/* trial.h: one worker after the other, by the dispatcher's own code: a real zygote, real sealed workers, and
 * no broker. For the programs of the benchmark; whatever goes wrong ends them with a word on why. */
#ifndef TESTS_BENCH_TRIAL_H
#define TESTS_BENCH_TRIAL_H

#include "dispatcher/worker.h"

enum { TRIAL_ANSWER_MAX = 64 };

struct trial {
    struct worker *worker; /* NULL: it is gone */
    struct call call;
    uint64_t begun_ns;                /* the message is there, and no worker */
    uint64_t ready_ns;                /* the worker has said so */
    uint8_t answer[TRIAL_ANSWER_MAX]; /* what the function replied */
    size_t answer_len;
    bool is_answered;
};

/* The zygote, without the layers in `waived` (bit 1 << n), and the function to run: a .so or manifest. */
void trials_open(const char *function, uint32_t waived);
void trials_close(void);

/* Starts a worker, gives it a message, returns when it has handled that. */
void trial_start(struct trial *t);

/* And ends it, in order. */
void trial_stop(struct trial *t);

/* The loop runs for that long: spare workers are made while there is nothing else to do. */
void trials_rest(uint64_t ms);

/* The zygote's children, the eldest first; as many as there is room for. */
size_t trials_processes(int *pids, size_t room);

_Noreturn void die(const char *why);

#endif

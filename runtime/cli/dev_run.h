/* dev_run.h: a command that `hark dev` runs: a build and all that it starts, as one thing that can be ended.
 *
 * On the loop thread. What it says is kept until it has ended. At a terminal it gets a terminal of its own to
 * say it to, so that compilers use colours; else a pipe. It reads nothing, it is in a session of its own (so
 * ^C is for hark alone), and others than its user cannot write what it makes: hark would refuse that. */
#ifndef HARK_CLI_DEV_RUN_H
#define HARK_CLI_DEV_RUN_H

#include "cli/dev_recipe.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

enum { DEV_SAID_MAX = 256 << 10, DEV_RUN_END_MS = 2000 };

struct dev_run {
    uv_loop_t *loop;
    pid_t pid;               /* of its session and group too; 0: it does not run */
    int pidfd, words, both;  /* both: an epoll(7) of the two */
    uv_poll_t poll;          /* of both */
    bool is_watched;         /* poll is not closed */
    char *said;              /* owned, said_len bytes, DEV_SAID_MAX at most: what it wrote first */
    size_t said_len, unsaid; /* unsaid: bytes that came behind that */
    int status;              /* of waitpid(2) */
    void (*ended)(void *user);
    void *user;
};

/* Starts it. ended(user) is called in a later turn, when its handles are closed: another one may be started
 * from there. A negative errno: it is not called, and nothing of the command is left. */
__attribute__((warn_unused_result)) int dev_run_start(struct dev_run *r, uv_loop_t *loop,
                                                      const struct dev_command *command,
                                                      void (*ended)(void *user), void *user);

/* If it runs: ends it and all that it started, by SIGTERM, and by SIGKILL what is left of it. `ended` is not
 * called. Then frees. */
void dev_run_finish(struct dev_run *r);

/* What of that can be done by who is about to die. */
void dev_run_kill(const struct dev_run *r);

#endif

/* unsealed.h: the worker of `hark invoke` outside of the seal: in gdb, in valgrind, or with the runtime of a
 * sanitizer. It is hark-unsealed, and hark is its parent, or the debugger's.
 *
 * On the main thread, one worker at a time. gdb has standard input, and says all on standard error: standard
 * output is for results. What the function prints goes to standard error as it is. */
#ifndef HARK_CLI_UNSEALED_H
#define HARK_CLI_UNSEALED_H

#include "cli/elf_facts.h"
#include "cli/options.h"
#include "dispatcher/worker.h"

#include <termios.h>

struct unsealed {
    const struct options *options;
    const struct revision *revision;
    uv_loop_t *loop;
    struct elf_facts facts;
    char *tool;    /* path of gdb or valgrind, owned; NULL: neither */
    char *program; /* path of hark-unsealed, owned */
    uv_process_t process;
    struct zygote_child *child; /* NULL: no process */
    bool stopping;              /* it was asked to end: set by the owner */
    bool cut_short;             /* gdb ended, and the worker with it, before it was asked to */
    bool found;                 /* the tool has found faults, which it told by its exit status */
    struct termios terminal;
    bool has_terminal;
};

/* 0, or an exit code, logged: 64 the options do not go together, 65 a sanitizer's build where there is a
 * seal, 69 no such tool. Nothing is to be finished when no option asks for it. */
__attribute__((warn_unused_result)) int unsealed_init(struct unsealed *u, const struct options *o,
                                                      struct revision *r);
bool unsealed_is_wanted(const struct options *o);

/* Its workers come from here. */
void unsealed_use(struct unsealed *u, uv_loop_t *loop, struct worker_io *io);

/* Gives the terminal back as it was. */
void unsealed_finish(struct unsealed *u);

#endif

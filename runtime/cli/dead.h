/* dead.h: what the files of `hark dead` share. On the main thread, in a process of its own: hark may run
 * meanwhile or not. */
#ifndef HARK_CLI_DEAD_H
#define HARK_CLI_DEAD_H

#include "cli/options.h"
#include "cli/settings.h"
#include "dispatcher/dead_store.h"

/* What was chosen, oldest first. */
struct dead {
    struct options *options;
    struct settings settings;
    int folder; /* -1: nothing was ever kept */
    struct dead_name *names;
    size_t count;
};

/* Reads one of them. 0, or the exit code, said; -ENOENT: it went meanwhile, which is nobody's fault. */
__attribute__((warn_unused_result)) int dead_read(const struct dead *d, const struct dead_name *name,
                                                  bool with_payload, struct dead_record *ret_record);

/* dead_print.c */
int dead_list(struct dead *d); /* each returns the exit code */
int dead_show(struct dead *d);

/* dead_redrive.c */
int dead_redrive(struct dead *d);

#endif

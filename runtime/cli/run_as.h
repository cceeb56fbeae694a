/* run_as.h: who functions run as: --user, or what fits when hark runs as root.
 *
 * Only the zygote and the workers change; hark itself stays who it is. */
#ifndef HARK_CLI_RUN_AS_H
#define HARK_CLI_RUN_AS_H

#include "cli/options.h"

#include <sys/types.h>

struct run_as {
    bool changes; /* false: as hark itself */
    uid_t uid;
    gid_t gid;
};

/* 0 and *ret, or the exit code and diag->text: 64: no such user, or root; 77: hark may not change it. */
__attribute__((warn_unused_result)) int run_as_resolve(const struct options *o, struct run_as *ret,
                                                       struct diag *diag);

/* `nobody (65534)`, or the number alone. Returns buffer. */
enum { RUN_AS_TEXT_MAX = 80 };
const char *run_as_name(uid_t uid, char buffer[RUN_AS_TEXT_MAX]);

#endif

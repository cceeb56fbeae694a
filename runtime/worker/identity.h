/* identity.h: who the zygote and its workers are.
 *
 * In hark-worker at its start. hark that runs as root names a user here; nothing of a function runs as uid 0
 * unless `--insecure=uid` says so. */
#ifndef HARK_WORKER_IDENTITY_H
#define HARK_WORKER_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

struct identity {
    bool change; /* false: stay who we are */
    uid_t uid;
    gid_t gid;
};

/* Gives up supplementary groups, group and user, all three ids of each, for good. Clears PDEATHSIG,
 * prctl(2). 0 or a negative errno. */
__attribute__((warn_unused_result)) int identity_become(const struct identity *identity);

#endif

#include "worker/identity.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

int identity_become(const struct identity *identity)
{
    if (!identity->change)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return -errno;
    return 0;
}

/* Takes shared memory of System V. */
#include "hostile.h"

#include <sys/ipc.h>
#include <sys/shm.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600));
}

/* Makes a semaphore of System V. */
#include "hostile.h"

#include <sys/ipc.h>
#include <sys/sem.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

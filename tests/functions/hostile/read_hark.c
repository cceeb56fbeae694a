/* Reads hark's memory, where the passwords are. */
#include "hostile.h"

#include <sys/uio.h>

static const char *attack(const struct victims *v)
{
    char got[16];
    struct iovec here = {got, sizeof got}, there = {(void *)&handle, sizeof got};
    return outcome(process_vm_readv(v->hark, &here, 1, &there, 1, 0));
}

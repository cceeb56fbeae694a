/* Reads the zygote's memory; it lies where one's own does. */
#include "hostile.h"

#include <sys/uio.h>

static const char *attack(const struct victims *v)
{
    char got[16];
    struct iovec here = {got, sizeof got}, there = {(void *)&printf, sizeof got};
    return outcome(process_vm_readv(v->zygote, &here, 1, &there, 1, 0));
}

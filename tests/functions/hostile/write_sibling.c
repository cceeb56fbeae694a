/* Writes to the memory of another function's worker. */
#include "hostile.h"

#include <sys/uio.h>

static const char *attack(const struct victims *v)
{
    char zeros[16] = "";
    struct iovec here = {zeros, sizeof zeros}, there = {__builtin_frame_address(0), sizeof zeros};
    return outcome(process_vm_writev(v->sibling, &here, 1, &there, 1, 0));
}

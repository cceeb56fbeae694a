/* Opens a message queue. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(syscall(SYS_mq_open, "hark-attack", 0102, 0600, NULL));
}

#include "support/kernel.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool kernel_has_mdwe(void)
{
    enum { GET_MDWE = 66 };
    return prctl(GET_MDWE, 0, 0, 0, 0) >= 0;
}

unsigned kernel_landlock(void)
{
    enum { CREATE_RULESET = 444, ASK_VERSION = 1 };
    long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    return version < 0 ? 0 : (unsigned)version;
}

/* Reads the kernel's log. */
#include "hostile.h"

#include <sys/klog.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(klogctl(10, NULL, 0));
}

/* Asks for capabilities that survive. */
#include "hostile.h"

#include <linux/capability.h>
#include <sys/prctl.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
}

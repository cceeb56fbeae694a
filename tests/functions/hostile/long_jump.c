/* Jumps out of handle() into a frame that ended long ago, and stays there. */
#include "hostile.h"

#include <setjmp.h>

static jmp_buf left_behind;

__attribute__((constructor)) static void leave_a_door(void)
{
    if (setjmp(left_behind)) /* NOLINT: that is the attack */
        (void)spin();
}

static const char *attack(const struct victims *v)
{
    (void)v;
    longjmp(left_behind, 1);
}

/* Raises an exception that nobody catches, across the frames of the worker. */
#include "hostile.h"

#include <unwind.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    static struct _Unwind_Exception thrown = {.exception_class = 0x4841524b00000000};
    return text("unwound: %d", (int)_Unwind_RaiseException(&thrown));
}

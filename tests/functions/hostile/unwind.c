/* Raises an exception that nobody catches, across the frames of the worker. What it returns is no number to
 * rely on: some libgcc of arm64 lose it. */
#include "hostile.h"

#include <unwind.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    static struct _Unwind_Exception thrown = {.exception_class = 0x4841524b00000000};
    (void)_Unwind_RaiseException(&thrown);
    return "came back";
}

#include "cli/machine.h"

#include <stdio.h>
#include <sys/utsname.h>

const char *machine_kernel(char buffer[MACHINE_TEXT_MAX])
{
    struct utsname names;
    int error = uname(&names);
    snprintf(buffer, MACHINE_TEXT_MAX, "%s", error ? "unknown" : names.release);
    return buffer;
}

/* Writes a program and runs it. */
#include "hostile.h"

#include <fcntl.h>

static const char *attack(const struct victims *v)
{
    static const char script[] = "#!/bin/sh\n";
    int fd = open(granted(v, "write/program"), O_WRONLY | O_CREAT, 0755);
    if (fd < 0 || write(fd, script, strlen(script)) < 0)
        return failed("write");
    close(fd);
    return outcome(execl(granted(v, "write/program"), "program", (char *)NULL));
}

/* unwritable.h: the exit code of a command that could not write a file that it was told to. */
#ifndef HARK_CLI_UNWRITABLE_H
#define HARK_CLI_UNWRITABLE_H

#include <errno.h>
#include <sysexits.h>

/* `error` is a negative errno. Not permitted is 77, as the README has it; else the machine cannot do it. */
static inline int exit_code_of_unwritable(int error)
{
    return error == -EACCES || error == -EPERM || error == -EROFS ? EX_NOPERM : EX_SOFTWARE;
}

#endif

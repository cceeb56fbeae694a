/* handler.h: is this file a whole shared object for this machine? In the worker, before the loader sees it.
 *
 * dlopen(3) says of a foreign architecture that the file does not exist, and maps a half-copied file that
 * then dies of SIGBUS. Here a person gets the reason. It is no defence: that is the seal. */
#ifndef HARK_WORKER_HANDLER_H
#define HARK_WORKER_HANDLER_H

#include "shared/diag.h"

/* 0, or -ENOEXEC and *why, which calls the file `name`. */
__attribute__((warn_unused_result)) int handler_check(int fd, const char *name, struct diag *why);

#endif

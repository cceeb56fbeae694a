/* machine.h: what `hark doctor` tells of the machine beside the seal. */
#ifndef HARK_CLI_MACHINE_H
#define HARK_CLI_MACHINE_H

#include <limits.h>
#include <stdbool.h>

enum { MACHINE_TEXT_MAX = PATH_MAX + 128 };

/* The release of the running kernel. Returns buffer. */
const char *machine_kernel(char buffer[MACHINE_TEXT_MAX]);

/* Has hark a subtree of cgroup v2 of its own, with the controllers memory, pids and cpu? In words. */
bool machine_cgroup(char text[MACHINE_TEXT_MAX]);

#endif

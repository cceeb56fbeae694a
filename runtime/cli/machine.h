/* machine.h: what `hark doctor` tells of the machine beside the seal. */
#ifndef HARK_CLI_MACHINE_H
#define HARK_CLI_MACHINE_H

enum { MACHINE_TEXT_MAX = 128 };

/* The release of the running kernel. Returns buffer. */
const char *machine_kernel(char buffer[MACHINE_TEXT_MAX]);

#endif

/* kernel.h: what the kernel that the tests run on can enforce, asked of it directly and not of hark: what a
 * test expects is what this machine has, all of it and no more. */
#ifndef TESTS_SUPPORT_KERNEL_H
#define TESTS_SUPPORT_KERNEL_H

#include <stdbool.h>

enum { KERNEL_LANDLOCK_SCOPES = 6 }; /* from this version on: signals and abstract sockets */

bool kernel_has_mdwe(void);     /* Linux 6.3 */
unsigned kernel_landlock(void); /* its version; 0: there is none */

#endif

/* Loads a library from a file. */
#include "hostile.h"

#include <dlfcn.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    return dlopen("libcrypto.so.3", RTLD_NOW) ? "did it" : "cannot";
}

/* Jumps into its data. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    static unsigned char code[] = {0xc3};
    void (*volatile run)(void) = (void (*)(void))(void *)code;
    run();
    return "did it";
}

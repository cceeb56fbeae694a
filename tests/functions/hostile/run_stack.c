/* Jumps into its stack. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    (void)v;
    volatile unsigned char code[] = {0xc3, 0xc3, 0xc3, 0xc3};
    void (*volatile run)(void) = (void (*)(void))(void *)code;
    run();
    return "did it";
}

/* Calls itself until the stack is used up. */
#include "hostile.h"

/* NOLINTNEXTLINE(misc-no-recursion): that is the attack */
__attribute__((noinline)) static int deeper(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth < 0 ? frame[0] : deeper(depth + 1) + frame[0];
}

static const char *attack(const struct victims *v)
{
    (void)v;
    return text("%d", deeper(1));
}

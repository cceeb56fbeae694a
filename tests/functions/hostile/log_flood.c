/* Logs more than anybody reads. */
#include "hostile.h"

enum { LINE_BYTES = 128, LINES = 32768 };

static const char *attack(const struct victims *v)
{
    (void)v;
    for (int i = 0; i < LINES; i++)
        printf("%0*d\n", LINE_BYTES - 1, i);
    return "did it";
}

/* Logs through hark_log() more than anybody reads. */
#include "hostile.h"

enum { LINE_BYTES = 128, LINES = 32768 };

static const char *attack(const struct victims *v)
{
    for (int i = 0; i < LINES; i++)
        hark_log(v->ctx, HARK_INFO, "%0*d", LINE_BYTES, i);
    return "did it";
}

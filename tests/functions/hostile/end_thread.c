/* Ends its thread instead of returning. */
#include "hostile.h"

#include <pthread.h>

static const char *attack(const struct victims *v)
{
    (void)v;
    pthread_exit(NULL);
}

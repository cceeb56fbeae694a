/* Moves another worker's memory. */
#include "hostile.h"

static const char *attack(const struct victims *v)
{
    return outcome(syscall(SYS_migrate_pages, v->sibling, 0, NULL, NULL));
}

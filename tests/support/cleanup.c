#include "support/cleanup.h"

#include "shared/check.h"

#include <stdlib.h>
#include <sys/queue.h>

struct cleanup {
    SLIST_ENTRY(cleanup) next;
    void (*end)(void *thing);
    void *thing;
};

static SLIST_HEAD(, cleanup) cleanups = SLIST_HEAD_INITIALIZER(cleanups);

void at_end_of_test(void (*end)(void *thing), void *thing)
{
    struct cleanup *c = must_alloc(sizeof *c);
    *c = (struct cleanup){.end = end, .thing = thing};
    SLIST_INSERT_HEAD(&cleanups, c, next);
}

int end_of_test(void **unused)
{
    (void)unused;
    while (!SLIST_EMPTY(&cleanups)) {
        struct cleanup *c = SLIST_FIRST(&cleanups);
        SLIST_REMOVE_HEAD(&cleanups, next);
        c->end(c->thing);
        free(c);
    }
    return 0;
}

#include "support/cleanup.h"

#include "shared/check.h"

#include <stdlib.h>
#include <sys/queue.h>

struct cleanup {
    SLIST_ENTRY(cleanup) next;
    void (*end)(void *thing);
    void *thing;
};

SLIST_HEAD(cleanups, cleanup);

static struct cleanups of_test = SLIST_HEAD_INITIALIZER(of_test);
static struct cleanups of_program = SLIST_HEAD_INITIALIZER(of_program);
static bool outlives_test;

void at_end_of_test(void (*end)(void *thing), void *thing)
{
    struct cleanup *c = must_alloc(sizeof *c);
    *c = (struct cleanup){.end = end, .thing = thing};
    SLIST_INSERT_HEAD(outlives_test ? &of_program : &of_test, c, next);
}

static void clean_up(struct cleanups *list)
{
    while (!SLIST_EMPTY(list)) {
        struct cleanup *c = SLIST_FIRST(list);
        SLIST_REMOVE_HEAD(list, next);
        c->end(c->thing);
        free(c);
    }
}

static void end_of_program(void)
{
    clean_up(&of_program);
}

void outlive_test(bool yes)
{
    static bool registered;
    if (!registered)
        CHECK(atexit(end_of_program) == 0);
    registered = true;
    outlives_test = yes;
}

int end_of_test(void **unused)
{
    (void)unused;
    outlives_test = false; /* a failed assertion may have jumped out of it */
    clean_up(&of_test);
    return 0;
}

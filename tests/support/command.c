#include "support/command.h"

#include "support/cleanup.h"

#include <stdlib.h>

/* A second of processor time, compilers and valgrind take long on a busy machine. */
enum { COMMAND_GUARD_MS = 120000 };

static const char *all_of(struct lines *l)
{
    char *text = lines_text(l);
    at_end_of_test(free, text);
    return text;
}

struct outcome command_run(const struct process_options *o)
{
    struct process *p = process_start(o);
    struct outcome result = {.code = process_wait_within(p, COMMAND_GUARD_MS)};
    process_drain(p);
    result.out = all_of(p->out);
    result.err = all_of(p->err);
    return result;
}

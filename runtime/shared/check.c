#include "shared/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "hark: bug: %s is false at %s:%d\n", condition, file, line);
    abort();
}

static void *or_exit(void *memory)
{
    if (memory)
        return memory;
    fputs("hark: error: out of memory\n", stderr);
    exit(70);
}

void *must_alloc(unsigned long bytes)
{
    return or_exit(calloc(1, bytes ? bytes : 1));
}

char *must_strdup(const char *text)
{
    return or_exit(strdup(text));
}

/* streams.c: standard streams of our own for Lua. Debian's liblua5.4.a is not compiled for shared objects: it
 * wants libc's stdout and stderr at a fixed distance, where no shared object has them. It finds these. */
#include "script/streams.h"

#include <dlfcn.h>
#include <stddef.h>

struct _IO_FILE;

#define HIDDEN __attribute__((visibility("hidden")))

extern HIDDEN struct _IO_FILE *stdin, *stdout, *stderr;
struct _IO_FILE *stdin, *stdout, *stderr;

static struct _IO_FILE *find(const char *name)
{
    struct _IO_FILE **stream = dlsym(RTLD_DEFAULT, name);
    return stream ? *stream : NULL;
}

void streams_open(void)
{
    stdin = find("stdin");
    stdout = find("stdout");
    stderr = find("stderr");
}

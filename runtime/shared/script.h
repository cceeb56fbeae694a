/* script.h: what a worker hands to the adapter of a script: hark's own .so, which is loaded in the place of
 * the handler, and runs it. In the sealed worker.
 *
 * An adapter is a function like any other, with one thing more: in start(), ctx->user points to this. It is
 * NULL when somebody named the adapter itself as a handler. */
#ifndef HARK_SHARED_SCRIPT_H
#define HARK_SHARED_SCRIPT_H

#include <stddef.h>

enum { SCRIPT_BYTES_MAX = 1024 * 1024, SCRIPT_WHY_MAX = 512 };

struct script {
    const char *name; /* the file's, without its folder */
    const char *text; /* lives as long as the worker */
    size_t len;
    char why[SCRIPT_WHY_MAX]; /* the adapter's, when start() fails: file, line and what is wrong there */
};

#endif

/* diag.h: complaints that a person reads: where, what is wrong, and what to do about it.
 *
 * Any process. A core function that fails fills in a struct diag of its caller; a function that can find
 * several faults appends to a struct diags. Printed as `file:line:column: text`. */
#ifndef HARK_SHARED_DIAG_H
#define HARK_SHARED_DIAG_H

#include <stddef.h>

enum { DIAG_TEXT_MAX = 480, DIAG_FILE_MAX = 256, DIAG_FORMATTED_MAX = DIAG_TEXT_MAX + DIAG_FILE_MAX + 32 };

struct diag {
    char file[DIAG_FILE_MAX]; /* "" when no file is concerned */
    unsigned line;            /* 1-based; 0 when only the file is known */
    unsigned column;          /* 1-based, in bytes; 0 when unknown */
    char text[DIAG_TEXT_MAX]; /* one line, no full stop: what, and what to do */
};

/* At most DIAGS_MAX are kept; the rest is counted in `dropped`. */
enum { DIAGS_MAX = 64 };

struct diags {
    struct diag *items; /* owned */
    size_t count;
    size_t dropped;
};

/* Fills in *d; file may be NULL. Control characters that came with the input are shown as '?'. */
__attribute__((format(printf, 5, 6))) void diag_set(struct diag *d, const char *file, unsigned line,
                                                    unsigned column, const char *format, ...);
__attribute__((format(printf, 5, 6))) void diags_add(struct diags *list, const char *file, unsigned line,
                                                     unsigned column, const char *format, ...);
void diags_append(struct diags *list, const struct diag *d);
void diags_finish(struct diags *list);

/* `file:line:column: text` with what is known of it, into buffer[size], always NUL-terminated. */
const char *diag_format(const struct diag *d, char *buffer, size_t size);

#endif

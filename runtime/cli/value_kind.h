/* value_kind.h: what stands for a value in a usage line or after an option, and so what a shell may offer for
 * it: `FILE` a file, `DIR` a folder, `list|show [ID]...` one of two words. Pure. */
#ifndef HARK_CLI_VALUE_KIND_H
#define HARK_CLI_VALUE_KIND_H

#include <stdbool.h>

enum { VALUE_WORDS_MAX = 512 };

struct value_kind {
    bool file, folder;           /* a file, which may be in any folder; a folder and no file */
    char words[VALUE_WORDS_MAX]; /* with a blank between two; "": none */
};

/* `usage` as in struct command or struct option_row. */
struct value_kind value_kind_of(const char *usage);

#endif

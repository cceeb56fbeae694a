/* scaffold.h: a folder of files, made of templates: what `hark new` leaves behind.
 *
 * The templates are runtime/cli/scaffold/GROUP/FILE.in; the build turns them into the table. A language has
 * those of the group `common`, of the group of its kind, and of the one called as it is. In them @NAME@ is
 * the function's name, @CRATE@ the same with _ for -, @LANG@ the language, which is also how its source files
 * end,
 * @HANDLER@ the handler's file, and @SCHEMAS@ the folder of the JSON Schemas; NAME in a file's name is the
 * function's too. */
#ifndef HARK_CLI_SCAFFOLD_H
#define HARK_CLI_SCAFFOLD_H

#include "shared/diag.h"

#include <stdbool.h>
#include <stddef.h>

struct scaffold_template {
    const char *group, *file, *text;
};

extern const struct scaffold_template scaffold_templates[];
extern const size_t scaffold_template_count;

struct scaffold_language {
    const char *name;
    const char *kind;    /* a group of templates */
    const char *handler; /* how its file ends */
    const char *build;   /* the command; NULL: there is nothing to build, and no SDK is needed */
    bool by_cmake;
};

extern const struct scaffold_language scaffold_languages[];
extern const size_t scaffold_language_count;

/* NULL: there are no templates for it. */
const struct scaffold_language *scaffold_find_language(const char *name);

struct scaffold_words {
    const char *name, *schemas;
    const struct scaffold_language *language;
};

/* Text with the words filled in. Caller frees. NULL: out of memory. */
char *scaffold_fill(const char *text, const struct scaffold_words *words);

/* Makes the folder words->name in the current one, with all files in it. 0, or a negative errno and
 * diag->text (no file), and then nothing of it is left: -EEXIST: something of that name is there, and is as
 * it was. */
__attribute__((warn_unused_result)) int scaffold_make(const struct scaffold_words *words, struct diag *diag);

#endif

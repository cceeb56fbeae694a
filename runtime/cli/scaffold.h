/* scaffold.h: a folder of files, made of templates: what `hark new` leaves behind.
 *
 * The templates are runtime/cli/scaffold/LANGUAGE/FILE.in, those for every language in `common`; the build
 * turns them into the table. In them @NAME@ is the function's name, @LANG@ the language, which is also how
 * its source files end, and @SCHEMAS@ the folder of the JSON Schemas; NAME in a file's name is the function's
 * too. */
#ifndef HARK_CLI_SCAFFOLD_H
#define HARK_CLI_SCAFFOLD_H

#include "shared/diag.h"

#include <stdbool.h>
#include <stddef.h>

struct scaffold_template {
    const char *language, *file, *text;
};

extern const struct scaffold_template scaffold_templates[];
extern const size_t scaffold_template_count;

struct scaffold_words {
    const char *name, *language, *schemas;
};

/* Is there a template for that language, `common` apart? */
bool scaffold_has_language(const char *language);

/* Text with the words filled in. Caller frees. NULL: out of memory. */
char *scaffold_fill(const char *text, const struct scaffold_words *words);

/* Makes the folder words->name in the current one, with all files in it. 0, or a negative errno and
 * diag->text (no file), and then nothing of it is left: -EEXIST: something of that name is there, and is as
 * it was. */
__attribute__((warn_unused_result)) int scaffold_make(const struct scaffold_words *words, struct diag *diag);

#endif

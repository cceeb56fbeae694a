/* dev_recipe.h: how a folder is built: what it has to be built with, and the commands for it.
 *
 * It looks at files and runs nothing. */
#ifndef HARK_CLI_DEV_RECIPE_H
#define HARK_CLI_DEV_RECIPE_H

#include <stdbool.h>

enum dev_recipe_kind { RECIPE_NONE, RECIPE_CMAKE, RECIPE_MAKE };
enum { DEV_COMMAND_WORDS = 8 };

struct dev_recipe {
    enum dev_recipe_kind kind;
    char *folder; /* owned, without a slash at its end; NULL unless there is a recipe */
    char *output; /* owned: the folder that CMake builds in; NULL: make, which says itself where */
};

struct dev_command {
    const char *words[DEV_COMMAND_WORDS]; /* the last is NULL; borrowed from the recipe, and static */
    const char *folder;                   /* to run it in; NULL: where hark is */
};

/* A CMakeLists.txt that begins a project of its own, else a Makefile. A folder that CMake was run for before
 * is built where it was: in its `build`, or within itself. */
void dev_recipe_find(const char *folder, struct dev_recipe *ret);
void dev_recipe_finish(struct dev_recipe *r);

/* "cmake", "make": what has to be on PATH. */
const char *dev_recipe_program(const struct dev_recipe *r);
/* What the folder has: "CMakeLists.txt". */
const char *dev_recipe_file(const struct dev_recipe *r);

/* Is something to be done before the build, once? */
bool dev_recipe_must_configure(const struct dev_recipe *r);
struct dev_command dev_recipe_configure(const struct dev_recipe *r);
/* jobs: for CMake, how many compilers at once, as text, borrowed. */
struct dev_command dev_recipe_build(const struct dev_recipe *r, const char *jobs);

#endif

#include "cli/dev_recipe.h"

#include "shared/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *join(const char *folder, const char *name)
{
    char *path;
    CHECK(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

static bool has(const char *folder, const char *name)
{
    char *path = join(folder, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

/* `project(`, in any case, with any space before the bracket. */
static bool begins_project(const char *line)
{
    line += strspn(line, " \t");
    if (strncasecmp(line, "project", strlen("project")) != 0)
        return false;
    line += strlen("project");
    return line[strspn(line, " \t")] == '(';
}

/* One without project() is a part of a larger build, and left to that. */
static bool is_project(const char *folder)
{
    char *path = join(folder, "CMakeLists.txt"), *line = NULL;
    size_t capacity = 0;
    bool found = false;
    FILE *f = fopen(path, "re");
    while (f && !found && getline(&line, &capacity, f) >= 0)
        found = begins_project(line);
    if (f)
        fclose(f);
    free(line);
    free(path);
    return found;
}

static char *without_slashes(const char *folder)
{
    char *copy = must_strdup(folder);
    for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/';)
        copy[--len] = '\0';
    return copy;
}

static char *find_output(const char *folder)
{
    char *apart = join(folder, "build");
    if (has(apart, "CMakeCache.txt") || !has(folder, "CMakeCache.txt"))
        return apart;
    free(apart);
    return must_strdup(folder);
}

static bool has_makefile(const char *folder)
{
    return has(folder, "GNUmakefile") || has(folder, "makefile") || has(folder, "Makefile");
}

void dev_recipe_find(const char *folder, struct dev_recipe *ret)
{
    *ret = (struct dev_recipe){.kind = is_project(folder)     ? RECIPE_CMAKE
                                       : has_makefile(folder) ? RECIPE_MAKE
                                                              : RECIPE_NONE};
    if (ret->kind != RECIPE_NONE)
        ret->folder = without_slashes(folder);
    if (ret->kind == RECIPE_CMAKE)
        ret->output = find_output(ret->folder);
}

void dev_recipe_finish(struct dev_recipe *r)
{
    free(r->folder);
    free(r->output);
    *r = (struct dev_recipe){0};
}

const char *dev_recipe_program(const struct dev_recipe *r)
{
    return r->kind == RECIPE_CMAKE ? "cmake" : "make";
}

const char *dev_recipe_file(const struct dev_recipe *r)
{
    return r->kind == RECIPE_CMAKE ? "CMakeLists.txt" : "Makefile";
}

/* CMake keeps its cache also when it failed; what it makes last is what ninja or make read. */
bool dev_recipe_must_configure(const struct dev_recipe *r)
{
    if (r->kind != RECIPE_CMAKE)
        return false;
    return !has(r->output, "CMakeCache.txt") ||
           !(has(r->output, "build.ninja") || has(r->output, "Makefile"));
}

struct dev_command dev_recipe_configure(const struct dev_recipe *r)
{
    return (struct dev_command){.words = {"cmake", "-S", r->folder, "-B", r->output}};
}

struct dev_command dev_recipe_build(const struct dev_recipe *r, const char *jobs)
{
    if (r->kind == RECIPE_CMAKE)
        return (struct dev_command){.words = {"cmake", "--build", r->output, "--parallel", jobs}};
    return (struct dev_command){.words = {"make"}, .folder = r->folder};
}

#include "cli/dev_source.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {"CMakeLists.txt",
                                    "CMakePresets.json",
                                    "CMakeUserPresets.json",
                                    "Makefile",
                                    "makefile",
                                    "GNUmakefile",
                                    "Cargo.toml",
                                    NULL};
static const char *const endings[] = {"c",   "h",     "cc",  "cpp", "cxx", "c++", "hh",
                                      "hpp", "hxx",   "h++", "inc", "inl", "S",   "s",
                                      "rs",  "cmake", "mk",  "in",  "ld",  "map", NULL};
static const char *const made[] = {"CMakeFiles", "_deps", "target", "node_modules", NULL};

static bool is_among(const char *word, const char *const *list)
{
    while (*list && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

static bool is_hidden(const char *name)
{
    return name[0] == '.' || name[0] == '#';
}

bool dev_source_is(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (is_hidden(name))
        return false;
    return is_among(name, names) || (dot && is_among(dot + 1, endings));
}

bool dev_source_may_be_in(const char *name)
{
    return !is_hidden(name) && !is_among(name, made);
}

/* new.c: `hark new`: a folder with a function that builds and passes its tests as it is. */
#include "cli/commands.h"
#include "cli/scaffold.h"
#include "manifest/manifest.h"
#include "manifest/suggest.h"
#include "shared/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* cmake(1) has targets of these names, and a function's target is called as the function is. */
static bool cmake_keeps(const char *name)
{
    static const char *const kept[] = {"all",     "clean",   "depend",     "help",
                                       "install", "package", "preinstall", "test"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strcmp(kept[i], name) == 0)
            return true;
    }
    return false;
}

static int refuse_name(const char *name)
{
    const char *fault = manifest_name_fault(slice_of(name));
    if (fault)
        log_error("'%s' is %s", name, fault);
    else
        log_error("'%s' is the name of a target of CMake's: choose another, for instance %s-1", name, name);
    return EX_USAGE;
}

static int refuse_language(const char *language)
{
    struct suggest s = suggest_start(slice_of(language));
    for (size_t i = 0; i < scaffold_template_count; i++) {
        if (scaffold_has_language(scaffold_templates[i].language))
            suggest_consider(&s, scaffold_templates[i].language);
    }
    if (s.best)
        log_error("--lang '%s': did you mean '%s'? c and cpp are known", language, s.best);
    else
        log_error("--lang '%s': not a language that hark has templates for: c and cpp are known", language);
    return EX_USAGE;
}

/* ../share/hark from this program's folder, as it is installed and in a build tree. */
static void find_schemas(char ret[PATH_MAX])
{
    char program[PATH_MAX], folder[PATH_MAX + 16];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    snprintf(folder, sizeof folder, "%s/../share/hark", program);
    if (!slash || !realpath(folder, ret))
        snprintf(ret, PATH_MAX, "/usr/share/hark");
}

static int exit_code_of(int error)
{
    if (error == -EEXIST)
        return EX_DATAERR;
    return error == -EACCES || error == -EPERM || error == -EROFS ? EX_NOPERM : EX_SOFTWARE;
}

static int run(struct options *o)
{
    char schemas[PATH_MAX];
    struct scaffold_words words = {.language = o->language ? o->language : "c", .schemas = schemas};
    struct diag diag = {0};
    if (o->argument_count == 0) {
        log_error("a name is needed: hark new NAME");
        return EX_USAGE;
    }
    words.name = o->arguments[0];
    if (manifest_name_fault(slice_of(words.name)) || cmake_keeps(words.name))
        return refuse_name(words.name);
    if (!scaffold_has_language(words.language))
        return refuse_language(words.language);
    find_schemas(schemas);
    int error = scaffold_make(&words, &diag);
    if (error < 0) {
        log_error("%s", diag.text);
        return exit_code_of(error);
    }
    printf("cd %s && cmake -B build && cmake --build build\nhark test\nhark dev\n", words.name);
    return EX_OK;
}

const struct command command_new = {
    .name = "new",
    .arguments = "NAME",
    .summary = "make a folder with a new function, its manifest and its tests",
    .help =
        "Makes the folder NAME: a function in C or C++, its manifest, test cases for 'hark test', a unit "
        "test\n"
        "with hark/testing.h, CMakeLists.txt and README.md. It builds, and passes its tests, as it is; what "
        "to\n"
        "type next goes to standard output. NAME is the function's: a-z, 0-9 and '-', at most 63.\n\n"
        "Exit codes: 0 made, 64 usage, 65 something of that name is there, 70 internal, 77 not permitted.\n",
    .examples = "A function in C++, built and tested:\n"
                "  hark new hello --lang cpp\n"
                "  cd hello && cmake -B build && cmake --build build && hark test\n",
    .takes = OPTION_LANGUAGE | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};

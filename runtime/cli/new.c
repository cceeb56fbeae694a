/* new.c: `hark new`: a folder with a function that builds and passes its tests as it is. */
#include "cli/commands.h"
#include "cli/scaffold.h"
#include "cli/unwritable.h"
#include "manifest/manifest.h"
#include "manifest/suggest.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { LANGUAGES_MAX = 128 };

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

/* `c, cpp and rust`, for at most a line. */
static void list_languages(char ret[LANGUAGES_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < scaffold_language_count; i++) {
        const char *before = i == 0 ? "" : i + 1 == scaffold_language_count ? " and " : ", ";
        len += (size_t)snprintf(ret + len, LANGUAGES_MAX - len, "%s%s", before, scaffold_languages[i].name);
        CHECK(len < LANGUAGES_MAX);
    }
}

static int refuse_language(const char *language)
{
    char known[LANGUAGES_MAX];
    struct suggest s = suggest_start(slice_of(language));
    list_languages(known);
    for (size_t i = 0; i < scaffold_language_count; i++)
        suggest_consider(&s, scaffold_languages[i].name);
    if (s.best)
        log_error("--lang '%s': did you mean '%s'? %s are known", language, s.best, known);
    else
        log_error("--lang '%s': not a language that hark has templates for: %s are known", language, known);
    return EX_USAGE;
}

/* ../share/hark from this program's folder, as it is installed and in a build tree. False: it is not there,
 * so the SDK, which it is a part of, is not either; then where Debian has it. */
static bool find_schemas(char ret[PATH_MAX])
{
    char program[PATH_MAX], folder[PATH_MAX + 16];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    snprintf(folder, sizeof folder, "%s/../share/hark", program);
    if (slash && realpath(folder, ret))
        return true;
    snprintf(ret, PATH_MAX, "/usr/share/hark");
    return false;
}

static int exit_code_of(int error)
{
    if (error == -EEXIST)
        return EX_DATAERR;
    return exit_code_of_unwritable(error);
}

static int make(const struct scaffold_words *words)
{
    struct diag diag = {0};
    int error = scaffold_make(words, &diag);
    if (error == 0)
        return EX_OK;
    log_error("%s", diag.text);
    return exit_code_of(error);
}

static void say_what_is_next(const struct scaffold_words *words, bool has_sdk)
{
    const char *build = words->language->build;
    if (build && !has_sdk)
        log_warn("what functions are built with is not installed: install hark-dev before you build it");
    printf("cd %s%s%s\nhark test\nhark dev\n", words->name, build ? " && " : "", build ? build : "");
}

static int run(struct options *o)
{
    char schemas[PATH_MAX];
    const char *language = o->language ? o->language : "c";
    struct scaffold_words words = {.language = scaffold_find_language(language), .schemas = schemas};
    if (o->argument_count == 0) {
        log_error("a name is needed: hark new NAME");
        return EX_USAGE;
    }
    words.name = o->arguments[0];
    if (!words.language)
        return refuse_language(language);
    if (manifest_name_fault(slice_of(words.name)) || (words.language->by_cmake && cmake_keeps(words.name)))
        return refuse_name(words.name);
    bool has_sdk = find_schemas(schemas);
    int code = make(&words);
    if (code == EX_OK)
        say_what_is_next(&words, has_sdk);
    return code;
}

const struct command command_new = {
    .name = "new",
    .arguments = "NAME",
    .summary = "make a folder with a new function, its manifest and its tests",
    .help =
        "Makes the folder NAME: a function, its manifest, test cases for 'hark test', and README.md. In C, "
        "C++ and\n"
        "Rust also a unit test, and CMakeLists.txt or Cargo.toml; in Lua and JavaScript there is nothing to "
        "build.\n"
        "It builds, and passes its tests, as it is; what to type next goes to standard output. NAME is the\n"
        "function's: a-z, 0-9 and '-', at most 63.\n\n"
        "Exit codes: 0 made, 64 usage, 65 something of that name is there, 70 internal, 77 not permitted.\n",
    .examples = "A function in C++, built and tested:\n"
                "  hark new hello --lang cpp\n"
                "  cd hello && cmake -B build && cmake --build build && hark test\n\n"
                "A function in Lua, which needs no compiler:\n"
                "  hark new rules --lang lua\n"
                "  cd rules && hark test\n",
    .takes = OPTION_LANGUAGE | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = 1,
    .run = run,
};

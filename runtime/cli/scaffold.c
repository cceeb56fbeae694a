#include "cli/scaffold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char common[] = "common";

const struct scaffold_language scaffold_languages[] = {
    {"c", "cmake", ".so", "cmake -B build && cmake --build build", .by_cmake = true},
    {"cpp", "cmake", ".so", "cmake -B build && cmake --build build", .by_cmake = true},
    {"rust", "cargo", ".so", "make"},
    {"lua", "script", ".lua", NULL},
    {"js", "script", ".js", NULL},
};
const size_t scaffold_language_count = sizeof scaffold_languages / sizeof *scaffold_languages;

const struct scaffold_language *scaffold_find_language(const char *name)
{
    for (size_t i = 0; i < scaffold_language_count; i++) {
        if (strcmp(scaffold_languages[i].name, name) == 0)
            return &scaffold_languages[i];
    }
    return NULL;
}

/* ---- words ---- */

/* As Cargo makes a file's name of a package's. */
static void put_crate(FILE *f, const struct scaffold_words *words)
{
    for (const char *c = words->name; *c; c++)
        fputc(*c == '-' ? '_' : *c, f);
}

static void put_handler(FILE *f, const struct scaffold_words *words)
{
    fprintf(f, "%s%s", words->name, words->language->handler);
}

static void put_language(FILE *f, const struct scaffold_words *words)
{
    fputs(words->language->name, f);
}

static void put_name(FILE *f, const struct scaffold_words *words)
{
    fputs(words->name, f);
}

static void put_schemas(FILE *f, const struct scaffold_words *words)
{
    fputs(words->schemas, f);
}

/* Writes what stands for the place holder that the text begins with. Its length; 0: it begins with none. */
static size_t put_word(FILE *f, const char *text, const struct scaffold_words *words)
{
    static const struct {
        const char *place;
        void (*put)(FILE *f, const struct scaffold_words *words);
    } places[] = {{"@NAME@", put_name},
                  {"@CRATE@", put_crate},
                  {"@LANG@", put_language},
                  {"@HANDLER@", put_handler},
                  {"@SCHEMAS@", put_schemas}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t len = strlen(places[i].place);
        if (strncmp(text, places[i].place, len) == 0) {
            places[i].put(f, words);
            return len;
        }
    }
    return 0;
}

char *scaffold_fill(const char *text, const struct scaffold_words *words)
{
    char *filled = NULL;
    size_t len, skip;
    FILE *f = open_memstream(&filled, &len);
    if (!f)
        return NULL;
    for (; *text; text += skip ? skip : 1) {
        skip = put_word(f, text, words);
        if (skip == 0)
            fputc(*text, f);
    }
    bool is_whole = !ferror(f);
    if (fclose(f) == 0 && is_whole)
        return filled;
    free(filled);
    return NULL;
}

/* NAME.test.yaml: a name's length is bounded, and so is that of what the templates are called. */
static void fill_file_name(const char *file, const char *name, char ret[NAME_MAX + 1])
{
    static const char place[] = "NAME";
    bool has_place = strncmp(file, place, strlen(place)) == 0;
    snprintf(ret, NAME_MAX + 1, "%s%s", has_place ? name : "", has_place ? file + strlen(place) : file);
}

/* ---- files ---- */

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            text += n, left -= (size_t)n;
    }
    return 0;
}

/* The folder that a template's file is in; one level is all that there is. */
static int make_folder_of(int folder, const char *file)
{
    char name[NAME_MAX + 1];
    const char *slash = strchr(file, '/');
    if (!slash)
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)(slash - file), file);
    return mkdirat(folder, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Others than the owner may never write: hark would refuse what they could change. */
static int write_file(int folder, const char *file, const char *text)
{
    int made = make_folder_of(folder, file);
    if (made < 0)
        return made;
    int fd = openat(folder, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int error = write_all(fd, text);
    if (close(fd) < 0 && error == 0)
        error = -errno;
    return error;
}

static bool is_wanted(const struct scaffold_template *t, const struct scaffold_words *words)
{
    return strcmp(t->group, common) == 0 || strcmp(t->group, words->language->kind) == 0 ||
           strcmp(t->group, words->language->name) == 0;
}

static int write_template(int folder, const struct scaffold_template *t, const struct scaffold_words *words,
                          struct diag *diag)
{
    char file[NAME_MAX + 1];
    fill_file_name(t->file, words->name, file);
    char *text = scaffold_fill(t->text, words);
    int error = text ? write_file(folder, file, text) : -ENOMEM;
    if (error < 0)
        diag_set(diag, NULL, 0, 0, "%s/%s cannot be written: %s", words->name, file, strerror(-error));
    free(text);
    return error;
}

static int write_templates(int folder, const struct scaffold_words *words, struct diag *diag)
{
    int error = 0;
    for (size_t i = 0; i < scaffold_template_count && error == 0; i++) {
        if (is_wanted(&scaffold_templates[i], words))
            error = write_template(folder, &scaffold_templates[i], words, diag);
    }
    return error;
}

/* Its own files only: somebody else may have put one there since. */
static void remove_templates(int folder, const struct scaffold_words *words)
{
    char file[NAME_MAX + 1];
    for (size_t i = 0; i < scaffold_template_count; i++) {
        fill_file_name(scaffold_templates[i].file, words->name, file);
        if (!is_wanted(&scaffold_templates[i], words))
            continue;
        unlinkat(folder, file, 0);
        char *slash = strchr(file, '/');
        if (slash) {
            *slash = '\0';
            unlinkat(folder, file, AT_REMOVEDIR); /* stays while there is another file in it */
        }
    }
}

static int refuse(const char *name, int error, struct diag *diag)
{
    if (error == -EEXIST)
        diag_set(diag, NULL, 0, 0, "'%s' is there already: choose another name, or another folder", name);
    else
        diag_set(diag, NULL, 0, 0, "the folder '%s' cannot be made: %s", name, strerror(-error));
    return error;
}

int scaffold_make(const struct scaffold_words *words, struct diag *diag)
{
    if (mkdir(words->name, 0755) < 0)
        return refuse(words->name, -errno, diag);
    int folder = open(words->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = folder < 0 ? refuse(words->name, -errno, diag) : write_templates(folder, words, diag);
    if (error < 0 && folder >= 0)
        remove_templates(folder, words);
    if (folder >= 0)
        close(folder);
    if (error < 0)
        rmdir(words->name);
    return error;
}

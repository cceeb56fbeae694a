#include "cli/test_files.h"

#include "cli/complain.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static bool ends_in(const char *name, const char *ending)
{
    size_t len = strlen(name), ending_len = strlen(ending);
    return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}

static bool is_test_name(const char *name)
{
    return name[0] != '.' && (ends_in(name, ".test.yaml") || ends_in(name, ".test.yml"));
}

static int exit_code_of(int error)
{
    return error == EACCES || error == EPERM ? EX_NOPERM : EX_DATAERR;
}

int test_file_text(const char *path, char **ret_text, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    char *text = must_alloc(CASE_BYTES_MAX + 1);
    size_t len = fread(text, 1, CASE_BYTES_MAX + 1, f);
    int error = ferror(f) ? -EIO : len > CASE_BYTES_MAX ? -EFBIG : 0;
    fclose(f);
    if (error < 0) {
        free(text);
        return error;
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

/* ---- paths ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Of one file with two names both count: the name says which function it is about. */
static void add_path(struct test_paths *list, const char *path, const struct stat *s)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct test_path *p = &list->items[i];
        if (p->device == s->st_dev && p->inode == s->st_ino &&
            strcmp(base_name(p->path), base_name(path)) == 0)
            return;
    }
    list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
    CHECK(list->items);
    list->items[list->count++] = (struct test_path){must_strdup(path), s->st_dev, s->st_ino};
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void complain_of(struct test_paths *list, const char *path, int error)
{
    if (!list->quiet)
        log_error("%s: %s", path, strerror(error));
    list->code = list->code ? list->code : exit_code_of(error);
}

/* A symbolic link in a folder: one to a folder could lead in circles, one to a file counts. */
static void add_linked(struct test_paths *list, const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0)
        complain_of(list, path, errno);
    else if (S_ISREG(s.st_mode))
        add_path(list, path, &s);
}

static void visit(struct test_paths *list, FTS *tree, FTSENT *entry)
{
    bool is_hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';
    const char *path = strncmp(entry->fts_path, "./", 2) == 0 ? entry->fts_path + 2 : entry->fts_path;
    if (entry->fts_info == FTS_D && is_hidden) {
        fts_set(tree, entry, FTS_SKIP);
    } else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
        complain_of(list, path, entry->fts_errno);
    } else if (entry->fts_info == FTS_D && list->folder) {
        list->folder(list->user, path);
    } else if (entry->fts_info == FTS_F && is_test_name(entry->fts_name)) {
        add_path(list, path, entry->fts_statp);
    } else if (entry->fts_info == FTS_SL && is_test_name(entry->fts_name)) {
        add_linked(list, path);
    }
}

static void add_folder(struct test_paths *list, const char *folder)
{
    char *const roots[] = {(char *)folder, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    FTSENT *entry;
    CHECK(tree);
    while ((entry = fts_read(tree)))
        visit(list, tree, entry);
    fts_close(tree);
}

/* NAME.test.yaml beside the manifest, handler or source NAME.*, which is not what was meant to be read. */
static bool has_cases_beside(const char *path, char *ret_beside, size_t size)
{
    const char *name = base_name(path), *dot = strrchr(name, '.');
    int len = dot ? snprintf(ret_beside, size, "%.*s.test.yaml", (int)(dot - path), path) : 0;
    return !is_test_name(name) && len > 0 && (size_t)len < size && access(ret_beside, F_OK) == 0;
}

int test_paths_find(struct test_paths *list, const char *path)
{
    struct stat s;
    char beside[PATH_MAX];
    if (stat(path, &s) != 0) {
        int error = errno;
        if (!list->quiet)
            log_error("%s: %s", path, strerror(error));
        return exit_code_of(error);
    }
    if (S_ISDIR(s.st_mode)) {
        add_folder(list, path);
    } else if (has_cases_beside(path, beside, sizeof beside)) {
        if (!list->quiet)
            log_error("%s: no test cases: they are in %s, name that", path, beside);
        return EX_DATAERR;
    } else {
        add_path(list, path, &s);
    }
    return 0;
}

void test_paths_finish(struct test_paths *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
    *list = (struct test_paths){0};
}

/* ---- files ---- */

static void add_bad(struct test_files *list, const char *path, int error)
{
    list->code = list->code ? list->code : exit_code_of(-error);
    list->bad = realloc(list->bad, (list->bad_count + 1) * sizeof *list->bad);
    CHECK(list->bad);
    list->bad[list->bad_count++] = path;
}

void test_files_read(struct test_files *list, const char *path)
{
    struct diags diags = {0};
    struct case_file *f = NULL;
    char *text = NULL;
    size_t len = 0;
    int error = test_file_text(path, &text, &len);
    if (error < 0)
        log_error("%s: %s", path, strerror(-error));
    else
        error = case_file_parse(path, slice_make(text, len), &f, &diags);
    complain_all(&diags);
    diags_finish(&diags);
    free(text);
    if (error < 0) {
        add_bad(list, path, error);
        return;
    }
    list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
    CHECK(list->items);
    list->items[list->count++] = f;
}

void test_files_finish(struct test_files *list)
{
    for (size_t i = 0; i < list->count; i++)
        case_file_free(list->items[i]);
    free(list->items);
    free(list->bad);
}

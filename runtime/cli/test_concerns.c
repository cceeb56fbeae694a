#include "cli/test_concerns.h"

#include "cli/case_run.h"
#include "cli/load.h"
#include "cli/test_files.h"
#include "dispatcher/config_file.h"
#include "dispatcher/revision.h"
#include "dispatcher/script.h"
#include "shared/check.h"

#include <stdlib.h>
#include <string.h>

/* Takes path over. */
static void add(struct test_concerns *c, char *path)
{
    if (path && c->count < TEST_CONCERNS_MAX)
        c->paths[c->count++] = path;
    else
        free(path);
}

static void add_config(struct test_concerns *c, const char *manifest_path, const struct manifest *m)
{
    const char *slash = strrchr(manifest_path, '/');
    struct slice folder = slice_make(manifest_path, slash ? (size_t)(slash - manifest_path) + 1 : 0);
    char **files = config_files_list(m, folder);
    for (size_t i = 0; files && files[i]; i++)
        add(c, must_strdup(files[i]));
    config_files_free(files);
}

static void add_function(struct test_concerns *c, char *path, const char *functions)
{
    struct manifest *m = load_is_manifest(path) ? load_manifest(path) : NULL;
    add(c, path);
    if (!m)
        return;
    add_config(c, path, m);
    char *handler = revision_handler_path(path, functions, m->handler);
    add(c, handler);
    add(c, handler ? script_adapter_path(handler) : NULL);
    manifest_free(m);
}

void test_concerns_find(const char *path, const char *functions, struct test_concerns *ret_concerns)
{
    struct diags diags = {0};
    struct case_file *f = NULL;
    char *text = NULL;
    size_t len = 0;
    *ret_concerns = (struct test_concerns){0};
    add(ret_concerns, must_strdup(path));
    if (test_file_text(path, &text, &len) == 0 &&
        case_file_parse(path, slice_make(text, len), &f, &diags) == 0) {
        add_function(ret_concerns, case_function_path(f), functions);
        case_file_free(f);
    }
    diags_finish(&diags);
    free(text);
}

void test_concerns_finish(struct test_concerns *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->paths[i]);
}

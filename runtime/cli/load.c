#include "cli/load.h"

#include "dispatcher/freeze.h"
#include "shared/log.h"

#include <errno.h>
#include <string.h>

static bool ends_in(const char *path, const char *ending)
{
    size_t len = strlen(path), ending_len = strlen(ending);
    return len > ending_len && strcmp(path + len - ending_len, ending) == 0;
}

bool load_is_manifest(const char *path)
{
    return ends_in(path, ".yaml") || ends_in(path, ".yml");
}

static int refuse_cases(const char *path, struct diags *diags)
{
    diags_add(diags, path, 0, 0,
              "these are test cases, which hark test runs: name the manifest or the handler");
    return -EINVAL;
}

static int load_once(const char *path, const char *functions, struct revision **ret_revision,
                     struct diags *diags)
{
    if (ends_in(path, ".test.yaml") || ends_in(path, ".test.yml"))
        return refuse_cases(path, diags);
    return load_is_manifest(path) ? revision_load(path, functions, ret_revision, diags)
                                  : revision_load_handler(path, ret_revision, diags);
}

int load_revision(const char *path, const char *functions, struct revision **ret_revision,
                  struct diags *diags)
{
    int error = -EAGAIN;
    for (int i = 0; i < LOAD_TRIES && error == -EAGAIN; i++) {
        diags_finish(diags);
        error = load_once(path, functions, ret_revision, diags);
    }
    return error;
}

int load_under(const char *manifest_path, const char *functions, struct revision **revision,
               struct diags *diags)
{
    struct revision *under, *old = *revision;
    int error = load_revision(manifest_path, functions, &under, diags);
    if (error < 0)
        return error;
    int fd = under->handler_fd;
    char *path = under->handler_path;
    under->handler_fd = old->handler_fd;
    under->handler_path = old->handler_path;
    old->handler_fd = fd;
    old->handler_path = path;
    revision_drop(old);
    *revision = under;
    return 0;
}

struct manifest *load_manifest(const char *path)
{
    struct manifest *m = NULL;
    struct frozen text;
    struct diag diag = {0};
    struct diags diags = {0};
    if (freeze_file(path, "manifest", MANIFEST_BYTES_MAX, &text, &diag) < 0)
        return NULL;
    int error = manifest_parse(path, slice_make(text.data, text.len), &m, &diags);
    freeze_finish(&text);
    diags_finish(&diags);
    return error < 0 ? NULL : m;
}

enum log_level load_log_level(int level)
{
    return level < LOG_DEBUG ? LOG_DEBUG : level > LOG_ERROR ? LOG_ERROR : (enum log_level)level;
}

void load_log(const struct worker *w, int level, struct slice text)
{
    log_line(load_log_level(level), "function=%s worker=%u %.*s", worker_revision(w)->manifest->function,
             worker_id(w), SLICE_ARG(text));
}

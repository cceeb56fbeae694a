#include "dispatcher/config_file.h"

#include "dispatcher/freeze.h"
#include "shared/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct slice without_line_end(const struct frozen *f)
{
    size_t len = f->len;
    if (len > 0 && f->data[len - 1] == '\n')
        len--;
    if (len < f->len && len > 0 && f->data[len - 1] == '\r')
        len--;
    return slice_make(f->data, len);
}

static int take(struct slice text, struct manifest_pair *pair, struct diag *diag)
{
    if (memchr(text.data, '\0', text.len) || !utf8_valid(text)) {
        diag_set(diag, NULL, 0, 0, "is no UTF-8 text without NUL");
        return -EINVAL;
    }
    pair->value = malloc(text.len + 1);
    if (!pair->value) {
        diag_set(diag, NULL, 0, 0, "out of memory");
        return -ENOMEM;
    }
    memcpy(pair->value, text.data, text.len);
    pair->value[text.len] = '\0';
    return 0;
}

/* The memory file's name is seen in no other process: nobody else gets it. */
static int read_file(const char *path, struct manifest_pair *pair, struct diag *diag)
{
    struct frozen content;
    int error = freeze_trusted_file(path, "config", MANIFEST_CONFIG_FILE_MAX, &content, diag);
    if (error)
        return error;
    error = take(without_line_end(&content), pair, diag);
    freeze_finish(&content);
    return error;
}

/* NULL: out of memory. Caller frees. */
static char *path_of(const struct manifest_pair *pair, struct slice folder)
{
    char *path = NULL;
    if (pair->from_file[0] == '/')
        folder.len = 0;
    return asprintf(&path, "%.*s%s", SLICE_ARG(folder), pair->from_file) < 0 ? NULL : path;
}

static int read_pair(const struct manifest *m, struct manifest_pair *pair, struct slice folder,
                     struct diags *diags)
{
    struct diag diag = {.text = "out of memory"};
    char *path = path_of(pair, folder);
    int error = path ? read_file(path, pair, &diag) : -ENOMEM;
    free(path);
    if (error < 0)
        diags_add(diags, m->file, pair->line, pair->column, "config: '%s': from_file '%s': %s", pair->key,
                  pair->from_file, diag.text);
    return error;
}

static int check_size(const struct manifest *m, struct diags *diags)
{
    size_t bytes = 0;
    for (size_t i = 0; i < m->config_count; i++)
        bytes += strlen(m->config[i].key) + (m->config[i].value ? strlen(m->config[i].value) : 0);
    if (bytes <= MANIFEST_CONFIG_BYTES_MAX)
        return 0;
    diags_add(diags, m->file, 0, 0,
              "config: %zu bytes in all, with what its files hold: at most 256KiB are "
              "allowed",
              bytes);
    return -EFBIG;
}

int config_files_read(struct manifest *m, struct slice folder, struct diags *diags)
{
    int first_error = 0;
    for (size_t i = 0; i < m->config_count; i++) {
        struct manifest_pair *pair = &m->config[i];
        int error = pair->value ? 0 : read_pair(m, pair, folder, diags);
        if (first_error == 0 || error == -EAGAIN)
            first_error = error < 0 ? error : first_error;
    }
    return first_error ? first_error : check_size(m, diags);
}

char **config_files_list(const struct manifest *m, struct slice folder)
{
    char **list = NULL;
    size_t count = 0;
    for (size_t i = 0; i < m->config_count; i++) {
        if (!m->config[i].from_file)
            continue;
        if (!list && !(list = calloc(m->config_count + 1, sizeof *list)))
            return NULL;
        list[count] = path_of(&m->config[i], folder);
        count += list[count] != NULL;
    }
    return list;
}

void config_files_free(char **list)
{
    for (char **path = list; path && *path; path++)
        free(*path);
    free(list);
}

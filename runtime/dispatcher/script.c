#include "dispatcher/script.h"

#include "shared/installed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADAPTER_BYTES_MAX = 16 << 20 };

static const struct language {
    const char *ending, *adapter, *name, *package;
} LANGUAGES[] = {
    {".js", "hark-js.so", "JavaScript", "duktape-dev"},
    {".lua", "hark-lua.so", "Lua", "liblua5.4-dev"},
};

static const struct language *find_language(const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof LANGUAGES / sizeof *LANGUAGES; i++) {
        size_t ending = strlen(LANGUAGES[i].ending);
        if (len > ending && strcmp(path + len - ending, LANGUAGES[i].ending) == 0)
            return &LANGUAGES[i];
    }
    return NULL;
}

bool script_is_named(const char *path)
{
    return find_language(path) != NULL;
}

int script_read(const char *path, char **ret_text, size_t *ret_len, struct diag *diag)
{
    struct frozen frozen = {.fd = -1};
    int error = freeze_trusted_file(path, "script", SCRIPT_BYTES_MAX, &frozen, diag);
    if (error < 0)
        return error;
    char *text = malloc(frozen.len + 1);
    if (text) {
        memcpy(text, frozen.data, frozen.len);
        text[frozen.len] = '\0';
        *ret_text = text;
        *ret_len = frozen.len;
    } else {
        diag_set(diag, NULL, 0, 0, "cannot be read: out of memory");
        error = -ENOMEM;
    }
    freeze_finish(&frozen);
    return error;
}

char *script_adapter_path(const char *path)
{
    const struct language *language = find_language(path);
    return language ? installed_path(language->adapter) : NULL;
}

int script_freeze_adapter(const char *path, struct frozen *ret_frozen, struct diag *diag)
{
    struct diag why = {0};
    const struct language *language = find_language(path);
    char *adapter = script_adapter_path(path);
    int error =
        adapter ? freeze_file(adapter, language->adapter, ADAPTER_BYTES_MAX, ret_frozen, &why) : -ENOMEM;
    if (error == -ENOENT) {
        diag_set(diag, NULL, 0, 0,
                 "this hark cannot run %s, there is no %s: build hark where %s is installed", language->name,
                 adapter, language->package);
        error = -ENOEXEC;
    } else if (error < 0) {
        diag_set(diag, NULL, 0, 0, "what runs it, %s: %s", adapter ? adapter : language->adapter, why.text);
    }
    free(adapter);
    return error;
}

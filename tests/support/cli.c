#include "support/cli.h"

#include "shared/layers.h"
#include "support/files.h"
#include "support/stage.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

/* Behind the warnings of layers that this machine, or a sanitized worker, has not in full. */
static const char *behind_layers(const char *err)
{
    static const char warning[] = "hark: warning: ";
    while (strncmp(err, warning, sizeof warning - 1) == 0) {
        char name[32];
        const char *at = err + sizeof warning - 1;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " "), at);
        if (layer_find(name) < 0)
            break;
        err = strchr(at, '\n') + 1;
    }
    return err;
}

void assert_refused(struct outcome o, int code, const char *part)
{
    const char *err = behind_layers(o.err);
    assert_contains(err, part);
    assert_int_equal(strncmp(err, "hark: ", 6), 0);
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
    assert_string_equal(o.out, "");
    assert_int_equal(o.code, code);
}

const char *folder_with_puppet(const char *more_manifest)
{
    const char *folder = folder_create();
    file_copy(path_in(TEST_PUPPETS, "puppet.so"), path_in(folder, "puppet.so"));
    file_print(path_in(folder, "puppet.yaml"), PUPPET_MANIFEST "%s", more_manifest);
    return folder;
}

const char *own_copy(const char *folder, const char *name)
{
    const char *copy = path_in(folder_create(), name);
    file_copy(path_in(folder, name), copy);
    return copy;
}

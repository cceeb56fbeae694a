#include "cli/manual.h"

#include "cli/case_keys.h"
#include "cli/command_table.h"
#include "manifest/manifest_keys.h"
#include "manifest/node_keys.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name, *title, *summary, *file;
    const struct keys *keys;
} formats[] = {
    {"hark-manifest.5", "HARK-MANIFEST", "hark-manifest - what runs a function, and what it may do",
     "NAME.yaml in the folder that hark-run(1) watches: one function", &manifest_keys},
    {"hark.yaml.5", "HARK.YAML", "hark.yaml - the settings of one node",
     "hark.yaml, which hark-run(1) reads from --config or /etc/hark", &node_keys},
    {"hark-test.5", "HARK-TEST", "hark-test - messages to a function, and what is expected of them",
     "NAME.test.yaml beside NAME.yaml, which hark-test(1) runs", &case_file_keys},
};

enum { FORMAT_COUNT = sizeof formats / sizeof *formats };

/* A dash is one that can be copied into a shell, and a quote too. */
void manual_words(FILE *f, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '\\':
            fputs("\\e", f);
            break;
        case '-':
            fputs("\\-", f);
            break;
        case '\'':
            fputs("\\(aq", f);
            break;
        case '`':
            fputs("\\(ga", f);
            break;
        case '^':
            fputs("\\(ha", f);
            break;
        case '~':
            fputs("\\(ti", f);
            break;
        default:
            fputc(*text, f);
        }
    }
}

void manual_text(FILE *f, const char *text)
{
    fputs(*text == '.' ? "\\&" : "", f);
    manual_words(f, text);
    fputs("\n", f);
}

void manual_header(FILE *f, const char *title, int section, const char *summary)
{
    fprintf(f, ".TH \"%s\" %d \"\" \"hark " HARK_VERSION "\" \"hark\"\n.SH NAME\n", title, section);
    const char *dash = strstr(summary, " - ");
    fprintf(f, "%.*s \\- ", (int)(dash - summary), summary);
    manual_text(f, dash + 3);
}

bool manual_name(int index, char name[MANUAL_NAME_MAX])
{
    int format = index - command_count - 1;
    if (format >= FORMAT_COUNT)
        return false;
    if (index == 0)
        snprintf(name, MANUAL_NAME_MAX, "hark.1");
    else if (format < 0)
        snprintf(name, MANUAL_NAME_MAX, "hark-%s.1", command_table[index - 1]->name);
    else
        snprintf(name, MANUAL_NAME_MAX, "%s", formats[format].name);
    return true;
}

static void write_page(FILE *f, int index)
{
    if (index == 0) {
        manual_write_hark(f);
    } else if (index <= command_count) {
        manual_write_command(f, command_table[index - 1]);
    } else {
        int format = index - command_count - 1;
        manual_header(f, formats[format].title, 5, formats[format].summary);
        manual_write_keys(f, formats[format].file, formats[format].keys);
    }
}

int manual_write(FILE *f, const char *name)
{
    char found[MANUAL_NAME_MAX];
    for (int i = 0; manual_name(i, found); i++) {
        if (strcmp(found, name) == 0) {
            write_page(f, i);
            return 0;
        }
    }
    return -ENOENT;
}

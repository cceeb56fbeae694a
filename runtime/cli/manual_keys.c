#include "cli/manual.h"
#include "manifest/keys.h"
#include "shared/check.h"

#include <string.h>

enum { TABLES_MAX = 32 };

/* Two keys may have one table inside, which is written once. */
struct seen {
    const struct keys *tables[TABLES_MAX];
    size_t count;
};

static bool is_new(struct seen *seen, const struct keys *keys)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->tables[i] == keys)
            return false;
    }
    CHECK(seen->count < TABLES_MAX);
    seen->tables[seen->count++] = keys;
    return true;
}

static void write_bounds(FILE *f, const struct key *key)
{
    char min[KEY_FORMATTED_MAX], max[KEY_FORMATTED_MAX];
    if (key->bounds) {
        fputs("; ", f);
        manual_words(f, key->bounds);
    } else if (key->words) {
        for (const struct key_word *w = key->words; w->word; w++) {
            fputs(w == key->words ? ": " : ", ", f);
            manual_words(f, w->word);
        }
    } else if (key->max) {
        fprintf(f, "; %s to %s", key_format(key, key->min, min), key_format(key, key->max, max));
    }
}

static void write_example(FILE *f, const struct key *key)
{
    if (!key->example)
        return;
    fputs(".br\nfor instance \\fB", f);
    manual_words(f, key->name);
    fputs(": ", f);
    manual_words(f, key->example);
    fputs("\\fR\n", f);
}

static void write_key(FILE *f, const char *prefix, const struct key *key)
{
    fputs(".TP\n\\fB", f);
    manual_words(f, prefix);
    manual_words(f, key->name);
    fprintf(f, "\\fR (%s%s", key_type_name(key->type), key->required ? ", required" : "");
    if (key->initial) {
        fputs(", default ", f);
        manual_words(f, key->initial);
    }
    fputs(")\n", f);
    manual_words(f, key->meaning);
    write_bounds(f, key);
    fputs("\n", f);
    write_example(f, key);
}

static void write_table(FILE *f, const struct keys *keys, struct seen *seen)
{
    if (!is_new(seen, keys))
        return;
    for (size_t i = 0; i < keys->count; i++) {
        write_key(f, keys->prefix, &keys->list[i]);
        if (keys->list[i].inside)
            write_table(f, keys->list[i].inside, seen);
    }
}

void manual_write_keys(FILE *f, const char *file, const struct keys *keys)
{
    struct seen seen = {.count = 0};
    fputs(".SH DESCRIPTION\nYAML: ", f);
    manual_words(f, file);
    fputs(".\nA key of a map inside is written with dots, an item of a list with [].\n"
          ".SH KEYS\n",
          f);
    write_table(f, keys, &seen);
    fputs(".SH SEE ALSO\n\\fBhark\\fR(1), \\fBhark\\-check\\fR(1), \\fBhark\\-test\\fR(1)\n", f);
}

#include "cli/value_kind.h"

#include "shared/check.h"
#include "shared/layers.h"

#include <stdio.h>
#include <string.h>

static void add_word(struct value_kind *k, const char *word, size_t len)
{
    size_t used = strlen(k->words);
    int n = snprintf(k->words + used, sizeof k->words - used, "%s%.*s", used ? " " : "", (int)len, word);
    CHECK(n > 0 && (size_t)n < sizeof k->words - used);
}

/* `list|show [ID]...`: words end at a blank. */
static void add_words(struct value_kind *k, const char *usage)
{
    const char *end = usage + strcspn(usage, " ");
    if (!memchr(usage, '|', (size_t)(end - usage)))
        return;
    for (const char *word = usage; word < end; word += strcspn(word, "| ") + 1)
        add_word(k, word, strcspn(word, "| "));
}

struct value_kind value_kind_of(const char *usage)
{
    struct value_kind k = {0};
    k.file = strstr(usage, "FILE") != NULL;
    k.folder = !k.file && strstr(usage, "DIR");
    add_words(&k, usage);
    for (int i = 0; i < LAYER_COUNT && strcmp(usage, "LAYER") == 0; i++)
        add_word(&k, layer_name((enum layer)i), strlen(layer_name((enum layer)i)));
    return k;
}

#include "manifest/suggest.h"

#include "shared/check.h"

#include <ctype.h>
#include <limits.h>
#include <strings.h>

enum { PREFIX_MIN = 4 }; /* letters of a word that is only the start of a known one */

static int letter(struct slice text, size_t i)
{
    return tolower((unsigned char)text.data[i]);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Optimal string alignment, three rows at a time: what is a swap looks two rows back. */
unsigned suggest_distance(struct slice a, struct slice b)
{
    unsigned rows[3][SUGGEST_WORD_MAX + 1];

    CHECK(a.len <= SUGGEST_WORD_MAX && b.len <= SUGGEST_WORD_MAX);
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned differs = letter(a, i - 1) != letter(b, j - 1);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + differs);
            if (i > 1 && j > 1 && letter(a, i - 1) == letter(b, j - 2) &&
                letter(a, i - 2) == letter(b, j - 1))
                row[j] = least(row[j], two_above[j - 2] + 1, row[j]);
        }
    }
    return rows[a.len % 3][b.len];
}

static bool begins(struct slice word, struct slice known)
{
    return word.len >= PREFIX_MIN && word.len < known.len &&
           strncasecmp(word.data, known.data, word.len) == 0;
}

struct suggest suggest_start(struct slice word)
{
    return (struct suggest){.word = word, .distance = UINT_MAX};
}

void suggest_consider(struct suggest *s, const char *known)
{
    struct slice candidate = slice_of(known);
    if (s->word.len == 0 || s->word.len > SUGGEST_WORD_MAX || candidate.len > SUGGEST_WORD_MAX)
        return;
    unsigned distance = suggest_distance(s->word, candidate);
    unsigned allowed = (unsigned)(s->word.len + 2) / 3;
    bool near = distance <= allowed && distance < candidate.len;
    if ((near || begins(s->word, candidate)) && distance < s->distance) {
        s->best = known;
        s->distance = distance;
    }
}

/* suggest.h: the known word nearest to one that somebody mistyped. Pure.
 *
 *     struct suggest s = suggest_start(word);
 *     suggest_consider(&s, "topic");
 *     suggest_consider(&s, "qos");
 *     if (s.best) …
 */
#ifndef HARK_MANIFEST_SUGGEST_H
#define HARK_MANIFEST_SUGGEST_H

#include "shared/slice.h"

enum { SUGGEST_WORD_MAX = 64 }; /* bytes; nothing is suggested for or from a longer word */

struct suggest {
    struct slice word;
    const char *best;  /* borrowed from suggest_consider; NULL: nothing is near enough */
    unsigned distance; /* of best */
};

struct suggest suggest_start(struct slice word);

/* Keeps `known` when it is near (a third of the word's letters mistyped at most, or the word is how it
 * begins) and nearer than what came before. Case does not count. */
void suggest_consider(struct suggest *s, const char *known);

/* Letters to insert, delete, replace or swap with their neighbour to make b of a. Both at most
 * SUGGEST_WORD_MAX. */
unsigned suggest_distance(struct slice a, struct slice b);

#endif

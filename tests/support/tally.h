/* tally.h: which of the numbers 0 … n-1 have come, and how often. Thread-safe. */
#ifndef TESTS_SUPPORT_TALLY_H
#define TESTS_SUPPORT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally;

struct tally *tally_create(size_t n); /* lives until the end of the test */

/* Counts one that came. What is no number below n is counted as strange. */
void tally_add(struct tally *t, const char *text);

/* Waits until every number has come, or `distinct` of them have; false: the deadline came first. */
bool tally_complete(struct tally *t, int within_ms);
bool tally_reaches(struct tally *t, size_t distinct, int within_ms);

/* From now on, texts that contain `word` are counted too. */
void tally_watch(struct tally *t, const char *word);
size_t tally_watched(struct tally *t);

size_t tally_distinct(struct tally *t);
size_t tally_duplicates(struct tally *t); /* beyond the first of each */
size_t tally_strange(struct tally *t);

#endif

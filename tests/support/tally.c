#include "support/tally.h"

#include "shared/check.h"
#include "support/cleanup.h"
#include "support/moment.h"

#include <stdlib.h>
#include <string.h>

struct tally {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n, distinct, duplicates, strange, watched;
    const char *word; /* NULL: none is watched */
    uint32_t *counts;
};

static void tally_free(void *thing)
{
    struct tally *t = thing;
    free(t->counts);
    free(t);
}

struct tally *tally_create(size_t n)
{
    struct tally *t = must_alloc(sizeof *t);
    *t = (struct tally){.n = n, .counts = calloc(n, sizeof *t->counts)};
    CHECK(t->counts);
    pthread_mutex_init(&t->lock, NULL);
    moment_cond_init(&t->changed);
    at_end_of_test(tally_free, t);
    return t;
}

void tally_add(struct tally *t, const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    pthread_mutex_lock(&t->lock);
    if (end == text || number >= t->n)
        t->strange++;
    else if (t->counts[number]++)
        t->duplicates++;
    else
        t->distinct++;
    if (t->word && strstr(text, t->word))
        t->watched++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

bool tally_reaches(struct tally *t, size_t distinct, int within_ms)
{
    struct timespec until = moment_in(within_ms);
    pthread_mutex_lock(&t->lock);
    while (t->distinct < distinct && pthread_cond_timedwait(&t->changed, &t->lock, &until) == 0)
        ;
    bool reached = t->distinct >= distinct;
    pthread_mutex_unlock(&t->lock);
    return reached;
}

bool tally_complete(struct tally *t, int within_ms)
{
    return tally_reaches(t, t->n, within_ms);
}

void tally_watch(struct tally *t, const char *word)
{
    pthread_mutex_lock(&t->lock);
    t->word = word;
    pthread_mutex_unlock(&t->lock);
}

static size_t locked_read(struct tally *t, const size_t *value)
{
    pthread_mutex_lock(&t->lock);
    size_t copy = *value;
    pthread_mutex_unlock(&t->lock);
    return copy;
}

size_t tally_distinct(struct tally *t)
{
    return locked_read(t, &t->distinct);
}

size_t tally_duplicates(struct tally *t)
{
    return locked_read(t, &t->duplicates);
}

size_t tally_strange(struct tally *t)
{
    return locked_read(t, &t->strange);
}

size_t tally_watched(struct tally *t)
{
    return locked_read(t, &t->watched);
}

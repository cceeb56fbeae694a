#include "support/lines.h"

#include "shared/check.h"
#include "support/moment.h"
#include "support/process.h"
#include "support/test.h"

#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRINTED_LINES = 60 };

struct item {
    char *text; /* without its line end */
    uint64_t at_ns;
};

struct lines {
    const char *name;
    FILE *stream;
    pthread_t thread;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    struct item *items;
    size_t count, capacity;
    size_t cursor; /* first line not consumed */
    bool ended;
};

static void lines_append(struct lines *l, char *line)
{
    pthread_mutex_lock(&l->lock);
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 64;
        l->items = realloc(l->items, l->capacity * sizeof *l->items);
        CHECK(l->items);
    }
    l->items[l->count++] = (struct item){line, clock_now_ns()};
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void *drain(void *user)
{
    struct lines *l = user;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, l->stream)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            line[len - 1] = '\0';
        lines_append(l, must_strdup(line));
    }
    free(line);
    pthread_mutex_lock(&l->lock);
    l->ended = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

struct lines *lines_create(const char *name, int fd)
{
    struct lines *l = must_alloc(sizeof *l);
    *l = (struct lines){.name = name, .stream = fdopen(fd, "r")};
    CHECK(l->stream);
    pthread_mutex_init(&l->lock, NULL);
    moment_cond_init(&l->changed);
    CHECK(pthread_create(&l->thread, NULL, drain, l) == 0);
    return l;
}

/* The lock is held, or the thread is gone. */
static void free_items(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i].text);
    l->count = l->cursor = 0;
}

void lines_destroy(struct lines *l)
{
    pthread_join(l->thread, NULL);
    fclose(l->stream);
    free_items(l);
    free(l->items);
    free(l);
}

static regex_t compiled(const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
        fail_msg("the test's pattern is no regular expression: %s", pattern);
    return regex;
}

/* The lock is held. */
static const char *next_match(struct lines *l, const regex_t *regex)
{
    while (l->cursor < l->count) {
        const char *line = l->items[l->cursor++].text;
        if (regexec(regex, line, 0, NULL, 0) == 0)
            return line;
    }
    return NULL;
}

const char *lines_find(struct lines *l, const char *pattern, int within_ms)
{
    regex_t regex = compiled(pattern);
    struct timespec until = moment_in(within_ms);
    pthread_mutex_lock(&l->lock);
    const char *line = next_match(l, &regex);
    while (!line && !l->ended && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0)
        line = next_match(l, &regex);
    if (!line)
        line = next_match(l, &regex);
    pthread_mutex_unlock(&l->lock);
    regfree(&regex);
    return line;
}

const char *lines_wait(struct lines *l, const char *pattern)
{
    const char *line = lines_find(l, pattern, GUARD_MS);
    if (!line)
        give_up("%s did not say: %s", l->name, pattern);
    return line;
}

size_t lines_count(struct lines *l, const char *pattern)
{
    regex_t regex = compiled(pattern);
    size_t count = 0;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++)
        count += regexec(&regex, l->items[i].text, 0, NULL, 0) == 0;
    pthread_mutex_unlock(&l->lock);
    regfree(&regex);
    return count;
}

void lines_drop(struct lines *l)
{
    pthread_mutex_lock(&l->lock);
    free_items(l);
    pthread_mutex_unlock(&l->lock);
}

bool lines_ended(struct lines *l, int within_ms)
{
    struct timespec until = moment_in(within_ms);
    pthread_mutex_lock(&l->lock);
    while (!l->ended && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0)
        ;
    bool ended = l->ended;
    pthread_mutex_unlock(&l->lock);
    return ended;
}

char *lines_text(struct lines *l)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out);
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++)
        fprintf(out, "%s\n", l->items[i].text);
    pthread_mutex_unlock(&l->lock);
    fclose(out);
    return text;
}

void lines_print(struct lines *l)
{
    pthread_mutex_lock(&l->lock);
    size_t first = l->count > PRINTED_LINES ? l->count - PRINTED_LINES : 0;
    for (size_t i = first; i < l->count; i++)
        fprintf(stderr, "  %s | %s\n", l->name, l->items[i].text);
    pthread_mutex_unlock(&l->lock);
}

void lines_write(struct lines *l, FILE *to, uint64_t zero_ns)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++)
        fprintf(to, "%9.3f  %s | %s\n", ((double)l->items[i].at_ns - (double)zero_ns) / (double)NS_PER_S,
                l->name, l->items[i].text);
    pthread_mutex_unlock(&l->lock);
}

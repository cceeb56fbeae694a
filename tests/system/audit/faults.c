#include "audit/faults.h"

#include "audit/fault_kinds.h"
#include "audit/random.h"
#include "audit/streams.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <stdlib.h>
#include <string.h>

enum { GAP_MIN_MS = 100, GAP_MAX_MS = 1400, ACTIVE_MAX = 8 };

struct faults {
    struct world *world;
    bool is_chosen[FAULTS_MAX];
    size_t counts[FAULTS_MAX];
    struct fault active[ACTIVE_MAX];
    size_t active_count;
    const struct fault_kind *waiting; /* for the others to end; NULL: none */
    uint64_t next_ns;
};

static double elapsed(const struct faults *f)
{
    return (double)(clock_now_ns() - f->world->zero_ns) / (double)NS_PER_S;
}

static size_t kind_of(const char *name, size_t len)
{
    size_t i = 0;
    while (i < fault_kind_count &&
           (strlen(fault_kinds[i].name) != len || memcmp(fault_kinds[i].name, name, len) != 0))
        i++;
    return i;
}

static bool choose(struct faults *f, const char *names)
{
    for (const char *name = names; *name;) {
        size_t len = strcspn(name, ",");
        size_t kind = kind_of(name, len);
        if (kind == fault_kind_count) {
            fprintf(stderr, "audit: no fault is called '%.*s'; --help lists them\n", (int)len, name);
            return false;
        }
        f->is_chosen[kind] = true;
        name += len + (name[len] == ',');
    }
    return true;
}

struct faults *faults_create(struct world *w, const char *chosen)
{
    CHECK(fault_kind_count <= FAULTS_MAX);
    struct faults *f = calloc(1, sizeof *f);
    CHECK(f);
    f->world = w;
    for (size_t i = 0; i < fault_kind_count; i++)
        f->is_chosen[i] = chosen == NULL;
    if (chosen && !choose(f, chosen)) {
        free(f);
        return NULL;
    }
    return f;
}

void faults_destroy(struct faults *f)
{
    free(f);
}

static void end_one(struct faults *f, size_t i)
{
    struct fault *a = &f->active[i];
    a->kind->end(f->world, a);
    uint64_t now = clock_now_ns();
    if (a->kind->holds)
        ledger_holds(f->world->ledger, a->begin_ns, now);
    fprintf(f->world->events, "%9.3f  %s ends\n", elapsed(f), a->kind->name);
    f->active[i] = f->active[--f->active_count];
}

static unsigned needed(const struct faults *f)
{
    unsigned needs = 0;
    for (size_t i = 0; i < f->active_count; i++)
        needs |= f->active[i].kind->needs;
    return needs;
}

static void begin_one(struct faults *f, const struct fault_kind *k)
{
    struct world *w = f->world;
    struct fault a = {
        .kind = k, .begin_ns = clock_now_ns(), .stream = random_below(&w->random, (unsigned)stream_count)};
    unsigned lasts_ms = k->max_ms ? random_between(&w->random, k->min_ms, k->max_ms) : 0;
    a.end_ns = a.begin_ns + lasts_ms * NS_PER_MS;
    double at = elapsed(f);
    if (!k->begin(w, &a))
        return;
    f->counts[k - fault_kinds]++;
    fprintf(w->events, "%9.3f  %s, %s, for %u ms\n", at, k->name, streams[a.stream].function, lasts_ms);
    if (k->end)
        f->active[f->active_count++] = a;
    else if (k->holds)
        ledger_holds(w->ledger, a.begin_ns, clock_now_ns());
}

/* NULL: none is wanted. */
static const struct fault_kind *choose_kind(struct faults *f)
{
    unsigned whole = 0;
    for (size_t i = 0; i < fault_kind_count; i++)
        whole += f->is_chosen[i] ? fault_kinds[i].weight : 0;
    if (whole == 0)
        return NULL;
    unsigned left = random_below(&f->world->random, whole);
    size_t i = 0;
    while (!f->is_chosen[i] || left >= fault_kinds[i].weight) {
        left -= f->is_chosen[i] ? fault_kinds[i].weight : 0;
        i++;
    }
    return &fault_kinds[i];
}

/* One that needs all waits until it is alone, and the others wait for it; any other is left out when it
 * cannot be just now. */
static void make_one(struct faults *f)
{
    const struct fault_kind *k = f->waiting ? f->waiting : choose_kind(f);
    if (!k)
        return;
    bool fits = !(k->needs & needed(f)) && f->active_count < ACTIVE_MAX;
    f->waiting = k->needs == NEEDS_ALL && f->active_count ? k : NULL;
    if (fits && !f->waiting)
        begin_one(f, k);
}

uint64_t faults_turn(struct faults *f, uint64_t now_ns)
{
    for (size_t i = f->active_count; i-- > 0;)
        if (f->active[i].end_ns <= now_ns)
            end_one(f, i);
    if (f->next_ns <= now_ns) {
        make_one(f);
        f->next_ns = clock_now_ns() + random_between(&f->world->random, GAP_MIN_MS, GAP_MAX_MS) * NS_PER_MS;
    }
    uint64_t next = f->next_ns;
    for (size_t i = 0; i < f->active_count; i++)
        next = f->active[i].end_ns < next ? f->active[i].end_ns : next;
    return next;
}

void faults_end(struct faults *f)
{
    while (f->active_count)
        end_one(f, f->active_count - 1);
}

void faults_print_names(FILE *to)
{
    for (size_t i = 0; i < fault_kind_count; i++)
        fprintf(to, "%s%s", i ? "," : "", fault_kinds[i].name);
}

void faults_print_counts(const struct faults *f, FILE *to)
{
    for (size_t i = 0; i < fault_kind_count; i++)
        if (f->counts[i])
            fprintf(to, " %s=%zu", fault_kinds[i].name, f->counts[i]);
}

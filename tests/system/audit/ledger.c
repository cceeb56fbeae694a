#include "audit/ledger.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { FINDINGS_MAX = 20, TEXT_BYTES = 192 };

struct entry {
    uint64_t sent_ns, ended_ns; /* ended_ns 0: not yet */
    unsigned long receipt;      /* the how manieth of its stream hark received; 0: not yet */
    unsigned key;
    bool is_given, is_answered, is_buried, is_disordered;
};

struct repeat {
    unsigned long number;
    uint64_t at_ns;
};

struct account {
    struct ledger_stream shape;
    struct entry *entries; /* of number i + 1 */
    size_t sent, room, open;
    struct repeat *repeats;
    size_t repeat_count, repeat_room;
    unsigned long receipts;
    unsigned long given[LEDGER_KEYS_MAX], answered[LEDGER_KEYS_MAX]; /* the highest so far, by key */
};

struct hold {
    uint64_t begin_ns, end_ns;
};

/* Said at once, because the entries do not keep them. */
struct finding {
    uint64_t at_ns;
    char text[TEXT_BYTES];
};

struct ledger {
    pthread_mutex_t lock;
    size_t count, arrivals, disordered, shuffled, wrong, finding_count;
    struct account accounts[LEDGER_STREAMS_MAX];
    uint64_t *breaks;
    size_t break_count, break_room;
    struct hold *holds;
    size_t hold_count, hold_room;
    struct finding *findings;
    size_t finding_room;
};

/* Room for one more at the end of an array. */
static void *grow(void *array, size_t count, size_t *room, size_t each)
{
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    void *bigger = realloc(array, *room * each);
    CHECK(bigger);
    return bigger;
}

struct ledger *ledger_create(const struct ledger_stream *streams, size_t count)
{
    CHECK(count <= LEDGER_STREAMS_MAX);
    struct ledger *l = calloc(1, sizeof *l);
    CHECK(l);
    pthread_mutex_init(&l->lock, NULL);
    l->count = count;
    for (size_t i = 0; i < count; i++)
        l->accounts[i].shape = streams[i];
    return l;
}

void ledger_destroy(struct ledger *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->accounts[i].entries);
        free(l->accounts[i].repeats);
    }
    free(l->breaks);
    free(l->holds);
    free(l->findings);
    free(l);
}

__attribute__((format(printf, 3, 4))) static void note(struct ledger *l, uint64_t now_ns, const char *format,
                                                       ...)
{
    l->findings = grow(l->findings, l->finding_count, &l->finding_room, sizeof *l->findings);
    struct finding *f = &l->findings[l->finding_count++];
    f->at_ns = now_ns;
    va_list args;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

unsigned long ledger_send(struct ledger *l, size_t stream, unsigned key, uint64_t now_ns)
{
    CHECK(stream < l->count && key < LEDGER_KEYS_MAX);
    struct account *a = &l->accounts[stream];
    pthread_mutex_lock(&l->lock);
    a->entries = grow(a->entries, a->sent, &a->room, sizeof *a->entries);
    a->entries[a->sent] = (struct entry){.sent_ns = now_ns, .key = key};
    unsigned long number = ++a->sent;
    a->open++;
    pthread_mutex_unlock(&l->lock);
    return number;
}

static bool is_doomed(const struct account *a, unsigned long number)
{
    return a->shape.doomed_every && number % a->shape.doomed_every == 0;
}

static void add_wrong(struct ledger *l, const struct account *a, unsigned long number, const char *what,
                      uint64_t now_ns)
{
    if (l->wrong++ < FINDINGS_MAX)
        note(l, now_ns, "wrong: %s %lu: %s", a->shape.name, number, what);
}

static void add_repeat(struct account *a, unsigned long number, uint64_t now_ns)
{
    a->repeats = grow(a->repeats, a->repeat_count, &a->repeat_room, sizeof *a->repeats);
    a->repeats[a->repeat_count++] = (struct repeat){number, now_ns};
}

static void end_entry(struct account *a, struct entry *e, uint64_t now_ns)
{
    if (e->ended_ns)
        return;
    e->ended_ns = now_ns;
    a->open--;
}

static bool is_sent(const struct account *a, unsigned long number)
{
    return number && number <= a->sent;
}

void ledger_receive(struct ledger *l, size_t stream, unsigned long number)
{
    struct account *a = &l->accounts[stream];
    pthread_mutex_lock(&l->lock);
    if (is_sent(a, number) && !a->entries[number - 1].receipt)
        a->entries[number - 1].receipt = ++a->receipts;
    pthread_mutex_unlock(&l->lock);
}

/* Behind `before`, a later one of its key: hark's doing, when it was sent this one first. */
static void late_answer(struct ledger *l, struct account *a, unsigned long number, unsigned long before,
                        uint64_t now_ns)
{
    struct entry *e = &a->entries[number - 1];
    if (!e->receipt || e->receipt > a->entries[before - 1].receipt) {
        l->shuffled++;
        return;
    }
    e->is_disordered = true;
    if (l->disordered++ < FINDINGS_MAX)
        note(l, now_ns, "out of order: %s %lu of key %u was given behind %lu", a->shape.name, number, e->key,
             before);
}

static void first_given(struct ledger *l, struct account *a, unsigned long number, uint64_t now_ns)
{
    struct entry *e = &a->entries[number - 1];
    unsigned long *highest = &a->given[e->key];
    e->is_given = true;
    if (a->shape.ordered && number < *highest)
        late_answer(l, a, number, *highest, now_ns);
    if (number > *highest)
        *highest = number;
}

void ledger_give(struct ledger *l, size_t stream, unsigned long number, uint64_t now_ns)
{
    struct account *a = &l->accounts[stream];
    pthread_mutex_lock(&l->lock);
    if (is_sent(a, number) && !a->entries[number - 1].is_given)
        first_given(l, a, number, now_ns);
    pthread_mutex_unlock(&l->lock);
}

static void first_answer(struct ledger *l, struct account *a, unsigned long number, uint64_t now_ns)
{
    struct entry *e = &a->entries[number - 1];
    unsigned long *highest = &a->answered[e->key];
    e->is_answered = true;
    end_entry(a, e, now_ns);
    if (a->shape.ordered && number < *highest && !e->is_disordered)
        l->shuffled++;
    if (number > *highest)
        *highest = number;
}

void ledger_answer(struct ledger *l, size_t stream, unsigned long number, uint64_t now_ns)
{
    struct account *a = &l->accounts[stream];
    pthread_mutex_lock(&l->lock);
    l->arrivals++;
    if (!is_sent(a, number))
        add_wrong(l, a, number, "an answer to what was never sent", now_ns);
    else if (is_doomed(a, number))
        add_wrong(l, a, number, "an answer to what only crashes", now_ns);
    else if (a->entries[number - 1].is_answered)
        add_repeat(a, number, now_ns);
    else
        first_answer(l, a, number, now_ns);
    pthread_mutex_unlock(&l->lock);
}

void ledger_bury(struct ledger *l, size_t stream, unsigned long number, uint64_t now_ns)
{
    struct account *a = &l->accounts[stream];
    pthread_mutex_lock(&l->lock);
    l->arrivals++;
    if (!is_sent(a, number))
        add_wrong(l, a, number, "a dead letter of what was never sent", now_ns);
    else if (!is_doomed(a, number))
        add_wrong(l, a, number, "a dead letter of what can be answered", now_ns);
    else if (a->entries[number - 1].is_buried)
        add_repeat(a, number, now_ns);
    else {
        a->entries[number - 1].is_buried = true;
        end_entry(a, &a->entries[number - 1], now_ns);
    }
    pthread_mutex_unlock(&l->lock);
}

void ledger_wrong(struct ledger *l, size_t stream, const char *what, uint64_t now_ns)
{
    pthread_mutex_lock(&l->lock);
    if (l->wrong++ < FINDINGS_MAX)
        note(l, now_ns, "wrong: %s: %s", l->accounts[stream].shape.name, what);
    pthread_mutex_unlock(&l->lock);
}

void ledger_repeats(struct ledger *l, uint64_t now_ns)
{
    pthread_mutex_lock(&l->lock);
    l->breaks = grow(l->breaks, l->break_count, &l->break_room, sizeof *l->breaks);
    l->breaks[l->break_count++] = now_ns;
    pthread_mutex_unlock(&l->lock);
}

void ledger_holds(struct ledger *l, uint64_t begin_ns, uint64_t end_ns)
{
    pthread_mutex_lock(&l->lock);
    l->holds = grow(l->holds, l->hold_count, &l->hold_room, sizeof *l->holds);
    l->holds[l->hold_count++] = (struct hold){begin_ns, end_ns};
    pthread_mutex_unlock(&l->lock);
}

size_t ledger_open(struct ledger *l, size_t stream)
{
    pthread_mutex_lock(&l->lock);
    size_t open = l->accounts[stream].open;
    pthread_mutex_unlock(&l->lock);
    return open;
}

size_t ledger_open_in_all(struct ledger *l)
{
    size_t open = 0;
    for (size_t i = 0; i < l->count; i++)
        open += ledger_open(l, i);
    return open;
}

size_t ledger_arrivals(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    size_t arrivals = l->arrivals;
    pthread_mutex_unlock(&l->lock);
    return arrivals;
}

/* ---- judging ---- */

/* Until when a message may have been unacknowledged that was answered, and all before it, at `ended_ns`. A
 * hold that begins meanwhile keeps it so to its own end; one hold may lead to the next. */
static uint64_t under_way_until(const struct ledger *l, uint64_t sent_ns, uint64_t ended_ns)
{
    uint64_t until = ended_ns + LEDGER_SLACK_NS;
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < l->hold_count; i++) {
            const struct hold *h = &l->holds[i];
            if (h->begin_ns <= until && h->end_ns >= sent_ns && h->end_ns + LEDGER_SLACK_NS > until) {
                until = h->end_ns + LEDGER_SLACK_NS;
                grown = true;
            }
        }
    }
    return until;
}

/* For each number, when the last of those up to it ended. The caller frees. */
static uint64_t *ended_by(const struct account *a)
{
    uint64_t *by = must_alloc((a->sent + 1) * sizeof *by), latest = 0;
    for (size_t i = 0; i < a->sent; i++) {
        uint64_t ended = a->entries[i].ended_ns ? a->entries[i].ended_ns : CLOCK_NEVER;
        latest = ended > latest ? ended : latest;
        by[i + 1] = latest;
    }
    return by;
}

static bool is_excused(const struct ledger *l, uint64_t sent_ns, uint64_t ended_ns, uint64_t at_ns)
{
    uint64_t until = ended_ns == CLOCK_NEVER ? at_ns : under_way_until(l, sent_ns, ended_ns);
    for (size_t i = 0; i < l->break_count; i++)
        if (l->breaks[i] >= sent_ns && l->breaks[i] <= until && l->breaks[i] <= at_ns)
            return true;
    return false;
}

static double seconds(uint64_t at_ns, uint64_t zero_ns)
{
    return ((double)at_ns - (double)zero_ns) / (double)NS_PER_S;
}

static void judge_repeats(const struct ledger *l, const struct account *a, FILE *findings, uint64_t zero_ns,
                          struct ledger_totals *t)
{
    uint64_t *by = ended_by(a);
    for (size_t i = 0; i < a->repeat_count; i++) {
        const struct repeat *r = &a->repeats[i];
        const struct entry *e = &a->entries[r->number - 1];
        if (is_excused(l, e->sent_ns, by[r->number], r->at_ns))
            t->repeated++;
        else if (t->unexplained++ < FINDINGS_MAX)
            fprintf(findings, "%9.3f  unexplained: %s %lu came again; sent at %.3f, first came at %.3f\n",
                    seconds(r->at_ns, zero_ns), a->shape.name, r->number, seconds(e->sent_ns, zero_ns),
                    seconds(e->ended_ns, zero_ns));
    }
    free(by);
}

static void judge_entries(const struct account *a, FILE *findings, uint64_t zero_ns, struct ledger_totals *t)
{
    t->sent += a->sent;
    for (size_t i = 0; i < a->sent; i++) {
        const struct entry *e = &a->entries[i];
        t->answered += e->is_answered;
        t->buried += e->is_buried;
        if (!e->ended_ns && t->lost++ < FINDINGS_MAX)
            fprintf(findings, "%9.3f  lost: %s %zu of key %u was sent\n", seconds(e->sent_ns, zero_ns),
                    a->shape.name, i + 1, e->key);
    }
}

struct ledger_totals ledger_judge(struct ledger *l, FILE *findings, uint64_t zero_ns)
{
    pthread_mutex_lock(&l->lock);
    struct ledger_totals t = {.disordered = l->disordered, .shuffled = l->shuffled, .wrong = l->wrong};
    for (size_t i = 0; i < l->finding_count; i++)
        fprintf(findings, "%9.3f  %s\n", seconds(l->findings[i].at_ns, zero_ns), l->findings[i].text);
    for (size_t i = 0; i < l->count; i++) {
        judge_entries(&l->accounts[i], findings, zero_ns, &t);
        judge_repeats(l, &l->accounts[i], findings, zero_ns, &t);
    }
    pthread_mutex_unlock(&l->lock);
    return t;
}

bool ledger_is_clean(const struct ledger_totals *t)
{
    return t->sent && !t->lost && !t->unexplained && !t->disordered && !t->wrong;
}

#include "dispatcher/deploy_internal.h"
#include "dispatcher/trigger.h"

#include <stdlib.h>

struct batch {
    uv_work_t work;
    struct deployer *deployer;
    size_t count;
    struct state_entry entries[];
};

static void entry_finish(struct state_entry *entry)
{
    free(entry->function);
    session_record_finish(&entry->record);
}

static void destroy(struct batch *b)
{
    for (size_t i = 0; b && i < b->count; i++)
        entry_finish(&b->entries[i]);
    free(b);
}

/* False: out of memory; then the function writes it itself when it begins. */
static bool take_filters(const struct manifest *m, struct session_record *record)
{
    struct mqtt_filter filters[MANIFEST_TRIGGERS_MAX];
    char *memory = NULL;
    int count = trigger_filters(m, filters, &memory);
    if (count >= 0)
        record->filters = calloc((size_t)count + 1, sizeof *record->filters);
    bool good = record->filters != NULL;
    for (int i = 0; good && i < count; i++) {
        char *filter = slice_to_string(filters[i].filter);
        good = filter != NULL;
        if (good)
            record->filters[record->filter_count++] = filter;
    }
    free(memory);
    return good;
}

static bool entry_fill(struct state_entry *entry, const struct source *s)
{
    const struct manifest *m = stage_revision(s->stage)->manifest;
    struct diag diag;
    const struct broker *broker = node_broker(s->deployer->node, m, &diag);
    *entry = (struct state_entry){
        .function = function_record_name(m->function, broker),
        .record = {.broker = strdup(broker->url_text), .speaks_5 = broker->belief == MQTT_SPEAKS_5}};
    if (entry->function && entry->record.broker && take_filters(m, &entry->record))
        return true;
    entry_finish(entry);
    return false;
}

static void on_work(uv_work_t *work)
{
    struct batch *b = work->data;
    state_add_all(b->deployer->node->state, b->entries, b->count);
}

static size_t move_on(struct deployer *d, enum source_phase from, enum source_phase to)
{
    struct source *s;
    size_t count = 0;
    TAILQ_FOREACH (s, &d->sources, link) {
        if (s->phase != from)
            continue;
        s->phase = to;
        count++;
    }
    return count;
}

static void on_written(uv_work_t *work, int status)
{
    struct batch *b = work->data;
    struct deployer *d = b->deployer;
    (void)status;
    destroy(b);
    d->recording = false;
    (void)move_on(d, SOURCE_RECORDING, SOURCE_WAITING);
    deployer_advance(d);
}

static struct batch *collect(struct deployer *d, size_t room)
{
    struct source *s;
    struct batch *b = calloc(1, sizeof *b + room * sizeof *b->entries);
    if (!b)
        return NULL;
    b->deployer = d;
    b->work.data = b;
    TAILQ_FOREACH (s, &d->sources, link) {
        if (s->phase == SOURCE_RECORDING && entry_fill(&b->entries[b->count], s))
            b->count++;
    }
    return b;
}

void records_write(struct deployer *d)
{
    size_t count = d->recording ? 0 : move_on(d, SOURCE_CLAIMED, SOURCE_RECORDING);
    if (count == 0)
        return;
    struct batch *b = collect(d, count);
    d->recording = b && uv_queue_work(d->node->loop, &b->work, on_work, on_written) == 0;
    if (d->recording)
        return;
    destroy(b);
    (void)move_on(d, SOURCE_RECORDING, SOURCE_WAITING);
}

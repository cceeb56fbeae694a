#include "audit/world.h"

#include "audit/listener.h"
#include "audit/random.h"
#include "audit/streams.h"
#include "audit/tap.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "support/files.h"
#include "support/small_disk.h"
#include "support/test.h"

#include <stdlib.h>

enum { PURPOSE_WORLD, PURPOSE_TRAFFIC, PURPOSE_FAULTS, INFLIGHT_MAX = 60, STATE_KIB = 128, SABOTAGED = 40 };

static struct ledger *open_ledger(void)
{
    struct ledger_stream shapes[LEDGER_STREAMS_MAX];
    for (size_t i = 0; i < stream_count; i++)
        shapes[i] = (struct ledger_stream){streams[i].function, streams[i].ordered, streams[i].doomed_every};
    return ledger_create(shapes, stream_count);
}

void world_manifest_path(const struct world *w, size_t stream, char *to, size_t size)
{
    snprintf(to, size, "%s/%s%s.yaml", w->hark->folder, streams[stream].function,
             w->is_renamed[stream] ? "-renamed" : "");
}

void world_handler_path(const struct world *w, size_t stream, char *to, size_t size)
{
    snprintf(to, size, "%s/%s.so", w->hark->folder, streams[stream].function);
}

const char *world_build(unsigned which)
{
    static const char *const builds[] = {TEST_FUNCTIONS "/auditee.so", TEST_FUNCTIONS "/auditee-two.so"};
    return builds[which % 2];
}

static void install(struct world *w, size_t stream)
{
    char path[256], handler[80];
    snprintf(handler, sizeof handler, "%s.so", streams[stream].function);
    world_handler_path(w, stream, path, sizeof path);
    file_copy(world_build(0), path);
    char *manifest = stream_manifest(stream, handler, stream ? "" : w->sabotage);
    world_manifest_path(w, stream, path, sizeof path);
    file_print(path, "%s", manifest);
    free(manifest);
}

static void prepare_hark(struct world *w)
{
    w->hark = hark_prepare(NULL);
    w->hark->config = path_in(folder_create(), "hark.yaml");
    if (w->is_small)
        small_disk_mount(w->hark->state, STATE_KIB);
    const char *ca_file = proxy_ca_file(w->proxy);
    file_print(w->hark->config, "broker: site\nbrokers:\n  site: { url: \"%s\", keep_alive: 5s%s%s }\n",
               proxy_url(w->proxy), ca_file ? ", ca_file: " : "", ca_file ? ca_file : "");
    for (size_t i = 0; i < stream_count; i++)
        install(w, i);
}

static void on_break(void *user)
{
    struct world *w = user;
    if (!w->is_clean_end)
        ledger_repeats(w->ledger, clock_now_ns());
}

void world_open(struct world *w, const struct world_options *o)
{
    uint64_t random = random_state(o->seed, PURPOSE_WORLD);
    char ready[64];
    *w = (struct world){.is_small = small_disk_enter(), /* first: it wants to be alone */
                        .log = o->log,
                        .events = o->events,
                        .sabotage = o->sabotage,
                        .random = random_state(o->seed, PURPOSE_FAULTS),
                        .zero_ns = clock_now_ns()};
    w->ledger = open_ledger();
    w->broker = broker_start_with(&(struct broker_options){
        .keeps_sessions = true,
        .max_inflight = random_below(&random, 2) ? random_between(&random, 1, INFLIGHT_MAX) : 0});
    w->proxy = (o->has_tls ? proxy_start_tls : proxy_start)(broker_port(w->broker));
    proxy_watch(w->proxy, on_break, w);
    tap_create(w->proxy, w->ledger, o->trace, w->zero_ns);
    prepare_hark(w);
    hark_start(w->hark);
    listener_start(broker_port(w->broker), w->ledger, random_below(&random, 2) ? 2 : 1);
    snprintf(ready, sizeof ready, "^hark: ready: %zu functions", stream_count);
    hark_wait_line(w->hark, ready);
    w->publisher =
        publisher_start(broker_port(w->broker), w->ledger, o->rate, random_state(o->seed, PURPOSE_TRAFFIC));
    if (*o->sabotage) /* it begins at the 20th message, however slow the machine is */
        publisher_burst(w->publisher, 0, SABOTAGED);
}

void world_start_hark(struct world *w)
{
    lines_write(w->hark->process->err, w->log, w->zero_ns);
    hark_start(w->hark);
}

bool world_has_hark(const struct world *w)
{
    return w->hark->process->pid != 0;
}

void world_write_log(struct world *w)
{
    lines_write(w->hark->process->err, w->log, w->zero_ns);
    broker_write_log(w->broker, w->log, w->zero_ns);
}

#include "audit/fault_kinds.h"
#include "audit/interrupt.h"
#include "audit/random.h"
#include "audit/streams.h"
#include "shared/clock.h"
#include "support/files.h"
#include "support/process.h"
#include "support/small_disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 256, DRAIN_MS = 60000, DEPLOY_MS = 60000, LOOK_MS = 20 };

static void put_build(struct world *w, size_t stream)
{
    char path[PATH_BYTES];
    const char *build = world_build(random_below(&w->random, 2));
    world_handler_path(w, stream, path, sizeof path);
    if (random_below(&w->random, 2))
        file_copy(build, path);
    else
        file_replace(build, path);
}

bool begin_redeploy(struct world *w, struct fault *f)
{
    put_build(w, f->stream);
    return true;
}

static void put_manifest(struct world *w, size_t stream, const char *more)
{
    char path[PATH_BYTES], beside[PATH_BYTES + 8], handler[80];
    snprintf(handler, sizeof handler, "%s.so", streams[stream].function);
    char *text = stream_manifest(stream, handler, stream ? "" : w->sabotage);
    world_manifest_path(w, stream, path, sizeof path);
    snprintf(beside, sizeof beside, "%s.new", path);
    file_print(beside, "%s%s", text, more);
    rename(beside, path);
    free(text);
}

bool begin_new_manifest(struct world *w, struct fault *f)
{
    char more[64];
    snprintf(more, sizeof more, "description: the %u\n", random_next(&w->random));
    put_manifest(w, f->stream, more);
    return true;
}

bool begin_bad_handler(struct world *w, struct fault *f)
{
    char path[PATH_BYTES];
    world_handler_path(w, f->stream, path, sizeof path);
    switch (random_below(&w->random, 4)) {
    case 0:
        file_print(path, "this is no shared object\n");
        break;
    case 1:
        file_copy_first_half(world_build(0), path);
        break;
    case 2:
        file_replace(TEST_FUNCTIONS "/ctor_crash.so", path);
        break;
    default:
        file_remove(path);
    }
    return true;
}

void end_bad_handler(struct world *w, struct fault *f)
{
    put_build(w, f->stream);
}

bool begin_bad_manifest(struct world *w, struct fault *f)
{
    put_manifest(w, f->stream, "topcis: 1\n");
    return true;
}

void end_bad_manifest(struct world *w, struct fault *f)
{
    put_manifest(w, f->stream, "");
}

/* There and, the next time, back. */
bool begin_rename(struct world *w, struct fault *f)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    world_manifest_path(w, f->stream, from, sizeof from);
    w->is_renamed[f->stream] = !w->is_renamed[f->stream];
    world_manifest_path(w, f->stream, to, sizeof to);
    return rename(from, to) == 0;
}

static bool is_drained(struct world *w, size_t stream)
{
    uint64_t until = clock_now_ns() + DRAIN_MS * NS_PER_MS;
    while (ledger_open(w->ledger, stream) && clock_now_ns() < until)
        interrupt_within(LOOK_MS);
    return ledger_open(w->ledger, stream) == 0;
}

static void expect_line(struct world *w, size_t stream, const char *what)
{
    char pattern[96];
    snprintf(pattern, sizeof pattern, "^hark: %s %s", what, streams[stream].function);
    if (!lines_find(w->hark->process->err, pattern, DEPLOY_MS))
        give_up("hark does not say within %d s: %s %s", DEPLOY_MS / 1000, what, streams[stream].function);
}

/* Undeploying ends the session, and with it what the broker has for the function: so nothing may be under way
 * when it goes, and nothing is sent until it is back. */
bool begin_undeploy(struct world *w, struct fault *f)
{
    char path[PATH_BYTES];
    publisher_pause(w->publisher, f->stream);
    if (!is_drained(w, f->stream))
        give_up("%s is not drained within %d s", streams[f->stream].function, DRAIN_MS / 1000);
    world_manifest_path(w, f->stream, path, sizeof path);
    w->is_clean_end = true;
    file_remove(path);
    expect_line(w, f->stream, "undeployed");
    put_manifest(w, f->stream, "");
    expect_line(w, f->stream, "deployed");
    w->is_clean_end = false;
    publisher_resume(w->publisher, f->stream);
    return true;
}

/* ---- the state folder ---- */

bool begin_disk_full(struct world *w, struct fault *f)
{
    (void)f;
    if (w->is_small)
        small_disk_fill(w->hark->state);
    return w->is_small;
}

void end_disk_full(struct world *w, struct fault *f)
{
    (void)f;
    small_disk_free(w->hark->state);
}

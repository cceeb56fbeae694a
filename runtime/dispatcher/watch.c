#include "dispatcher/watch.h"

#include "shared/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct folder {
    uv_fs_event_t handle;
    char *path;
    bool watched;
    dev_t device; /* which folder it was that is watched */
    ino_t inode;
};

struct watch {
    uv_loop_t *loop;
    void (*changed)(void *user, bool by_event);
    void *user;
    uv_timer_t quiet;
    uv_timer_t rescan;
    bool pending;
    uint64_t first_ns; /* the first event of those that wait to be told */
    struct folder *folders[WATCH_FOLDERS_MAX];
    size_t folder_count;
    size_t open_handles;
};

static void tell(struct watch *w, bool by_event)
{
    w->pending = false;
    uv_timer_stop(&w->quiet);
    w->changed(w->user, by_event);
}

static void on_quiet(uv_timer_t *timer)
{
    tell(timer->data, true);
}

void watch_poke(struct watch *w)
{
    uint64_t now_ns = clock_now_ns();
    if (!w->pending) {
        w->pending = true;
        w->first_ns = now_ns;
    }
    uint64_t waited_ms = (now_ns - w->first_ns) / NS_PER_MS;
    uint64_t left_ms = waited_ms < WATCH_PATIENCE_MS ? WATCH_PATIENCE_MS - waited_ms : 0;
    uint64_t wait_ms = left_ms < WATCH_QUIET_MS ? left_ms : WATCH_QUIET_MS;
    uv_update_time(w->loop);
    uv_timer_start(&w->quiet, on_quiet, wait_ms, 0);
}

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    (void)name, (void)events, (void)status;
    watch_poke(handle->data);
}

/* Watches the folder that has the name now, if it is another than before. */
static int folder_refresh(struct folder *f)
{
    struct stat s;
    bool exists = stat(f->path, &s) == 0;
    if (exists && f->watched && s.st_dev == f->device && s.st_ino == f->inode)
        return 0;
    if (f->watched)
        uv_fs_event_stop(&f->handle);
    f->watched = false;
    if (!exists)
        return 0;
    int error = uv_fs_event_start(&f->handle, on_event, f->path, 0);
    if (error < 0)
        return error == UV_ENOENT ? 0 : error;
    f->watched = true;
    f->device = s.st_dev;
    f->inode = s.st_ino;
    return 0;
}

/* What cannot be watched was said when the folder was added: from then on this look serves it. */
static void on_rescan(uv_timer_t *timer)
{
    struct watch *w = timer->data;
    for (size_t i = 0; i < w->folder_count; i++) {
        int error = folder_refresh(w->folders[i]);
        (void)error;
    }
    tell(w, false);
}

struct watch *watch_create(uv_loop_t *loop, void (*changed)(void *user, bool by_event), void *user)
{
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->loop = loop;
    w->changed = changed;
    w->user = user;
    uv_timer_init(loop, &w->quiet);
    uv_timer_init(loop, &w->rescan);
    w->quiet.data = w->rescan.data = w;
    w->open_handles = 2;
    uv_timer_start(&w->rescan, on_rescan, WATCH_RESCAN_MS, WATCH_RESCAN_MS);
    return w;
}

static struct folder *find_folder(struct watch *w, const char *path)
{
    for (size_t i = 0; i < w->folder_count; i++) {
        if (strcmp(w->folders[i]->path, path) == 0)
            return w->folders[i];
    }
    return NULL;
}

static struct folder *add_folder(struct watch *w, const char *path)
{
    struct folder *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->path = strdup(path);
    if (!f->path) {
        free(f);
        return NULL;
    }
    uv_fs_event_init(w->loop, &f->handle);
    f->handle.data = w;
    w->open_handles++;
    w->folders[w->folder_count++] = f;
    return f;
}

int watch_folder(struct watch *w, const char *path)
{
    struct folder *f = find_folder(w, path);
    if (!f && w->folder_count == WATCH_FOLDERS_MAX)
        return -ENOSPC;
    if (!f)
        f = add_folder(w, path);
    return f ? folder_refresh(f) : -ENOMEM;
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    if (--w->open_handles > 0)
        return;
    for (size_t i = 0; i < w->folder_count; i++) {
        free(w->folders[i]->path);
        free(w->folders[i]);
    }
    free(w);
}

void watch_close(struct watch *w)
{
    uv_close((uv_handle_t *)&w->quiet, on_closed);
    uv_close((uv_handle_t *)&w->rescan, on_closed);
    for (size_t i = 0; i < w->folder_count; i++)
        uv_close((uv_handle_t *)&w->folders[i]->handle, on_closed);
}

/* watch.h: tells when something in a set of folders may have changed.
 *
 * On the loop thread. inotify through libuv (uv_fs_event), gathered: `changed` is called once when the
 * folders have been quiet for WATCH_QUIET_MS, at the latest WATCH_PATIENCE_MS after the first event; and
 * every WATCH_RESCAN_MS anyway, because a network file system sends no events and a folder may have been
 * replaced (it is watched again then). `by_event`: the former. */
#ifndef HARK_DISPATCHER_WATCH_H
#define HARK_DISPATCHER_WATCH_H

#include <stdbool.h>
#include <uv.h>

enum { WATCH_QUIET_MS = 40, WATCH_PATIENCE_MS = 400, WATCH_RESCAN_MS = 5000, WATCH_FOLDERS_MAX = 64 };

struct watch;

struct watch *watch_create(uv_loop_t *loop, void (*changed)(void *user, bool by_event),
                           void *user); /* NULL: out of memory */
/* Adds a folder; a folder that is watched already, or does not exist, is fine. -ENOSPC: too many; others are
 * logged by the caller: then the rescan alone serves. */
__attribute__((warn_unused_result)) int watch_folder(struct watch *w, const char *path);
/* Calls `changed` soon, as if something had happened. */
void watch_poke(struct watch *w);
void watch_close(struct watch *w); /* asynchronous, frees by itself; `changed` is never called again */

#endif

/* state.h: what a node remembers of its MQTT sessions across restarts: that a session is ours (the client
 * state of MQTT-3.2.2-4), which filters it may hold, and whether the broker speaks MQTT 5.
 *
 * On the loop thread, but for state_add_all; synchronous, small files: <state>/<node>/<function>.json,
 * written to a temporary file, fsynced, renamed, the folder fsynced. What is there already is not written
 * again. A full or read-only disk is an error that the caller says; nothing else depends on it. */
#ifndef HARK_DISPATCHER_STATE_H
#define HARK_DISPATCHER_STATE_H

#include "shared/diag.h"
#include "shared/slice.h"

#include <stddef.h>

struct session_record {
    char *broker;   /* URL without credentials: another broker, another session */
    char **filters; /* that the broker may have for this session */
    size_t filter_count;
    bool speaks_5;     /* the broker was heard to speak MQTT 5 */
    size_t sure_count; /* so many, from the first on, it has for sure; kept only where it does not speak 5 */
};

/* The node's folder, created with mode 0700 when missing; and a lock in it (flock(2)), held until
 * state_close, so that two harks of one name cannot share it. NULL and *diag on failure. *ret_errno:
 * -EWOULDBLOCK when another hark holds it. */
struct state;
struct state *state_open(const char *folder, const char *node, int *ret_errno, struct diag *diag);
void state_close(struct state *s);

/* A folder in it, made with mode 0700 when missing: a descriptor, the caller's, or a negative errno and
 * *diag. */
__attribute__((warn_unused_result)) int state_open_folder(struct state *s, const char *name,
                                                          struct diag *diag);
/* A random name that this state folder has for itself, of STATE_INSTANCE_LEN hex digits: the same at every
 * start. A negative errno and *diag: it cannot be kept, *ret_instance is for this time only. */
enum { STATE_INSTANCE_LEN = 16 };
__attribute__((warn_unused_result)) int state_instance(struct state *s,
                                                       char ret_instance[STATE_INSTANCE_LEN + 1],
                                                       struct diag *diag);
const char *state_path(const struct state *s); /* <state>/<node>; borrowed */

/* 0 and *ret_record; -ENOENT: none; other: unreadable or damaged, *diag says what (treat as none). */
__attribute__((warn_unused_result)) int state_read(struct state *s, const char *function,
                                                   struct session_record *ret_record, struct diag *diag);
__attribute__((warn_unused_result)) int state_write(struct state *s, const char *function,
                                                    const struct session_record *record, struct diag *diag);
__attribute__((warn_unused_result)) int state_remove(struct state *s, const char *function,
                                                     struct diag *diag);
void session_record_finish(struct session_record *record);
bool session_record_has(const struct session_record *record, const char *filter);

struct state_entry {
    char *function;
    struct session_record record;
};
/* Adds to what is there of each function and the same broker, many under one flush. On any thread, as long as
 * nobody else writes about these functions. Without a word: who needs it on the disk says state_write, which
 * costs nothing when this was done. */
void state_add_all(struct state *s, const struct state_entry *entries, size_t count);

#endif

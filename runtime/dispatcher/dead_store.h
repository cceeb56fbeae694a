/* dead_store.h: dead letters kept on this machine, a file each: <state>/<node>/dead/<id>.<function>.
 *
 * Synchronous file work, on any thread. No lock and no index: a file appears whole (written beside, fsynced,
 * renamed) and goes by unlink(2), so the process that serves and `hark dead` may both be at it. A file is one
 * line of JSON with all but the payload, and behind it the payload's bytes. Mode 0600 in a folder of 0700:
 * payloads may be nobody else's business. */
#ifndef HARK_DISPATCHER_DEAD_STORE_H
#define HARK_DISPATCHER_DEAD_STORE_H

#include "mqtt/mqtt.h"
#include "shared/buffer.h"
#include "shared/diag.h"

enum {
    DEAD_ID_LEN = 16, /* hex digits of the time in ms, '-', a number: in the order of their coming */
    DEAD_FUNCTION_MAX = 63,
    DEAD_NAME_MAX = DEAD_ID_LEN + 1 + DEAD_FUNCTION_MAX,
    DEAD_HEADER_MAX = 64 << 20, /* the most text of a PUBLISH, each character as six */
    DEAD_PAYLOAD_MAX = 64 << 20
};

/* What is known of a dead letter. Strings and slices are borrowed from whoever made it; the message's topic
 * is absent when it was a timer's event. */
struct dead_letter {
    char id[DEAD_ID_LEN + 1]; /* "" until it is stored */
    const char *function, *version;
    const char *error;  /* a word, as in hark-error */
    const char *reason; /* in words */
    const char *broker; /* URL without the password */
    const char *timer;  /* the timer trigger that ticked; NULL: it was a message */
    uint32_t attempts;
    int64_t time_ms;             /* Unix time of its death */
    struct mqtt_publish message; /* as it came: QoS, retained, expiry; properties without hark's */
    size_t payload_bytes;        /* also when the payload was not read */
};

/* ---- writing ---- */

/* Appends the file's bytes. -ENOMEM. */
__attribute__((warn_unused_result)) int dead_letter_encode(const struct dead_letter *letter,
                                                           struct buffer *file);
/* In four steps, the first and the third for each of some files, the others once:
 *
 * Writes a file of those bytes under a name that is none yet, one a slot, any number. Returns its descriptor,
 * for dead_store_finish, or a negative errno. */
__attribute__((warn_unused_result)) int dead_store_begin(int folder, unsigned slot, struct slice file);
/* Brings the contents to the disk. Each fsync(2) is a flush of the disk, some milliseconds; for more than a
 * handful syncfs(2) is the cheaper one. Negative errno: of any of them. */
__attribute__((warn_unused_result)) int dead_store_flush(int folder, const int *fds, size_t count);
/* Takes fd, gives the file its name; *ret_id is its id. Negative errno: there is no file. */
__attribute__((warn_unused_result)) int dead_store_finish(int folder, unsigned slot, int fd,
                                                          const char *function, int64_t time_ms,
                                                          char ret_id[DEAD_ID_LEN + 1]);
/* Brings names, and that names went, to the disk. */
__attribute__((warn_unused_result)) int dead_store_sync(int folder);

/* ---- reading ---- */

struct dead_name {
    char id[DEAD_ID_LEN + 1];
    char function[DEAD_FUNCTION_MAX + 1];
};

/* All of a function (NULL: of all), oldest first; the caller frees. Files of other names are no dead letters.
 * Negative errno. */
__attribute__((warn_unused_result)) int dead_store_list(int folder, const char *function,
                                                        struct dead_name **ret_names, size_t *ret_count);
/* How much there is. Negative errno. */
__attribute__((warn_unused_result)) int dead_store_usage(int folder, uint64_t *ret_count,
                                                         uint64_t *ret_bytes);

struct dead_record {
    struct dead_letter letter; /* borrowed from below */
    void *header;
    char *payload, *correlation;
    struct property *properties;
};

/* 0, -ENOENT: it is gone, -EBADMSG: it is no dead letter of ours, or another negative errno. */
__attribute__((warn_unused_result)) int dead_store_read(int folder, const struct dead_name *name,
                                                        bool with_payload, struct dead_record *ret_record);
void dead_record_finish(struct dead_record *record);

/* 0; also when it was gone already. Durable after dead_store_sync. */
__attribute__((warn_unused_result)) int dead_store_remove(int folder, const struct dead_name *name);

#endif

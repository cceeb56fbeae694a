/* dev_record.h: `hark dev --record FILE`: what devices publish to the private broker, as `hark record` writes
 * it.
 *
 * On the loop thread, with a subscription to everything. What functions publish is left out, or a recording
 * that is played again would have it twice: it is told by the user property that counts hops. So is what hark
 * says about itself. A disk that is full ends the recording after its last whole line, and nothing else. */
#ifndef HARK_CLI_DEV_RECORD_H
#define HARK_CLI_DEV_RECORD_H

#include "mqtt/client.h"

#include <stdint.h>
#include <sys/types.h>

struct dev_record {
    const char *path; /* borrowed */
    int fd;           /* -1: not recording, or no more */
    off_t whole;      /* bytes up to the end of the last whole line */
    uint64_t count;
    uv_loop_t *loop;
    struct mqtt_io *io; /* NULL: none, or closed */
    struct mqtt_client *client;
    bool is_subscribed;
};

/* Makes the file, or empties it. path NULL: nothing is recorded. 0, or the exit code, logged. In every case
 * dev_record_finish may follow. */
__attribute__((warn_unused_result)) int dev_record_open(struct dev_record *r, const char *path);
/* Runs the loop until everything that is published from now on is recorded, or *stop becomes true. */
void dev_record_start(struct dev_record *r, uv_loop_t *loop, uint16_t port, const volatile unsigned *stop);
void dev_record_finish(struct dev_record *r);

#endif

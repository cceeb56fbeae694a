#include "cli/dev_record.h"

#include "cli/message_json.h"
#include "cli/unwritable.h"
#include "dispatcher/hops.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { PACKET_BYTES_MAX = 32 << 20, RECEIVE_MAXIMUM = 1000 };

/* ---- the file ---- */

int dev_record_open(struct dev_record *r, const char *path)
{
    *r = (struct dev_record){.path = path, .fd = -1};
    if (!path)
        return 0;
    r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (r->fd >= 0)
        return 0;
    int error = -errno;
    log_error("--record %s: cannot be written: %s", path, strerror(-error));
    return exit_code_of_unwritable(error);
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            bytes += n, len -= (size_t)n;
    }
    return 0;
}

/* A piece of a line would make the whole file one that nothing reads. */
static void give_up(struct dev_record *r, int error)
{
    log_error("--record %s: cannot be written: %s: it ends after %llu message%s", r->path, strerror(-error),
              (unsigned long long)r->count, r->count == 1 ? "" : "s");
    int cut = ftruncate(r->fd, r->whole);
    (void)cut; /* it may be no file */
    close(r->fd);
    r->fd = -1;
}

static void keep(struct dev_record *r, const struct mqtt_message *m)
{
    char *line = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&line, &len);
    int error = f ? 0 : -ENOMEM;
    if (f) {
        message_json_write(message_json_now(m), f);
        error = fclose(f) == 0 ? write_all(r->fd, line, len) : -ENOMEM;
        free(line);
    }
    if (error < 0) {
        give_up(r, error);
        return;
    }
    r->whole += (off_t)len;
    r->count++;
}

/* ---- the subscription ---- */

/* Its presence, too. */
static bool is_harks_own(const struct mqtt_message *m)
{
    static const char own[] = "hark/dev/";
    return hops_read(m->properties, m->property_count) > 0 ||
           (m->topic.len >= sizeof own - 1 && memcmp(m->topic.data, own, sizeof own - 1) == 0);
}

static void on_message(void *user, struct mqtt_message *m)
{
    struct dev_record *r = user;
    if (r->fd >= 0 && !is_harks_own(m))
        keep(r, m);
    mqtt_client_release(r->client, m);
}

static void on_state(void *user, enum mqtt_state state, bool resumed, enum mqtt_cause cause, const char *text,
                     uint64_t retry_ns)
{
    static const struct mqtt_filter everything = {.filter = {"#", 1}, .qos = 2};
    struct dev_record *r = user;
    (void)resumed, (void)cause, (void)text, (void)retry_ns;
    if (state == MQTT_ONLINE && mqtt_client_subscribe(r->client, &everything, 1, NULL, 0) != 0)
        log_error("--record: out of memory");
}

static void on_subscribed(void *user, size_t index, unsigned reason)
{
    struct dev_record *r = user;
    (void)index, (void)reason; /* a broker of our own refuses nobody */
    r->is_subscribed = true;
}

static void on_published(void *user, void *token, unsigned reason)
{
    (void)user, (void)token, (void)reason;
}

static void on_closed(void *user)
{
    struct dev_record *r = user;
    mqtt_io_close(r->io);
    r->io = NULL;
}

static void connect_to(struct dev_record *r, uint16_t port)
{
    static const struct mqtt_client_events events = {.state = on_state,
                                                     .message = on_message,
                                                     .published = on_published,
                                                     .subscribed = on_subscribed,
                                                     .closed = on_closed};
    struct mqtt_client_options options = {.session = {.client_id = "hark/dev/_record",
                                                      .clean_start = true,
                                                      .receive_maximum = RECEIVE_MAXIMUM,
                                                      .packet_max_bytes = PACKET_BYTES_MAX},
                                          .broker = {.host = "127.0.0.1", .port = port},
                                          .random_seed = (uint64_t)getpid()};
    r->io = mqtt_io_create(r->loop);
    CHECK(r->io);
    r->client = mqtt_client_create(r->io, &options, &events, r);
    CHECK(r->client);
}

void dev_record_start(struct dev_record *r, uv_loop_t *loop, uint16_t port, const volatile unsigned *stop)
{
    if (r->fd < 0)
        return;
    r->loop = loop;
    connect_to(r, port);
    while (!r->is_subscribed && !*stop)
        uv_run(loop, UV_RUN_ONCE);
}

void dev_record_finish(struct dev_record *r)
{
    if (r->io)
        mqtt_client_close(r->client, true);
    while (r->io)
        uv_run(r->loop, UV_RUN_ONCE);
    if (r->fd < 0)
        return;
    close(r->fd);
    r->fd = -1;
    log_info("%llu message%s recorded in %s", (unsigned long long)r->count, r->count == 1 ? "" : "s",
             r->path);
}

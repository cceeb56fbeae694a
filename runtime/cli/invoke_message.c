#include "cli/invoke_message.h"

#include "cli/aim.h"
#include "shared/descriptor_io.h"
#include "shared/log.h"
#include "shared/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { TEXT_MAX = 65535 /* bytes of a string in MQTT */, READ_BYTES = 64 * 1024 };

static int refuse_size(const struct revision *r)
{
    log_error("the payload has more than %llu bytes, which is this function's limits.payload",
              (unsigned long long)r->manifest->limit_payload_bytes);
    return EX_USAGE;
}

/* At most one byte more than the limit, to know that there are more. In parts: the limit may be large, and
 * what is read small. */
static int read_all(int fd, size_t limit, struct buffer *file)
{
    size_t got = READ_BYTES;
    while (got == READ_BYTES && buffer_length(file) <= limit) {
        uint8_t *at = buffer_reserve(file, READ_BYTES);
        int error = at ? descriptor_read(fd, (char *)at, READ_BYTES, &got) : -ENOMEM;
        if (error)
            return error;
        buffer_commit(file, got);
    }
    return 0;
}

static int read_payload_file(struct invoke_message *m, const char *path, const struct revision *r)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? -errno : read_all(fd, r->manifest->limit_payload_bytes, &m->file);
    if (fd >= 0 && !standard_input)
        close(fd);
    if (error < 0) {
        log_error("%s: cannot be read: %s", standard_input ? "standard input" : path, strerror(-error));
        return EX_DATAERR;
    }
    m->mqtt.payload = slice_make(buffer_length(&m->file) ? (const char *)buffer_data(&m->file) : "",
                                 buffer_length(&m->file));
    return 0;
}

static int set_payload(struct invoke_message *m, const struct options *o, const struct revision *r)
{
    if (o->payload && o->payload_file) {
        log_error("--payload and --payload-file both give a payload: see 'hark invoke --help'");
        return EX_USAGE;
    }
    m->mqtt.payload = slice_of(o->payload ? o->payload : "");
    int code = o->payload_file ? read_payload_file(m, o->payload_file, r) : 0;
    if (code == 0 && m->mqtt.payload.len > r->manifest->limit_payload_bytes)
        return refuse_size(r);
    return code;
}

static const char *first_topic(const struct manifest *m)
{
    for (size_t i = 0; i < m->trigger_count; i++) {
        if (m->triggers[i].topic)
            return m->triggers[i].topic;
    }
    return NULL;
}

/* The first trigger's topic, where that is one topic and no pattern. */
static int set_topic(struct invoke_message *m, const struct options *o, const struct revision *r)
{
    const char *pattern = first_topic(r->manifest);
    const char *topic = o->topic ? o->topic : pattern;
    if (!topic) {
        log_error("the function has timers only: leave out what describes a message");
        return EX_USAGE;
    }
    if (!o->topic && strpbrk(pattern, "+#{")) {
        log_error("--topic is needed: the function is triggered by '%s'", pattern);
        return EX_USAGE;
    }
    m->mqtt.topic = slice_of(topic);
    if (topic_name_valid(m->mqtt.topic))
        return 0;
    log_error("--topic '%s' is no topic: 1 to 65,535 bytes of UTF-8 without + and # are needed", topic);
    return EX_USAGE;
}

static int find_trigger(struct invoke_message *m, const struct revision *r)
{
    struct diag diag;
    if (aim_message(r->manifest, &m->mqtt, &m->captures, &diag) == 0)
        return 0;
    log_error("%s", diag.text);
    return EX_USAGE;
}

static bool text_valid(struct slice text)
{
    return text.len <= TEXT_MAX && utf8_valid(text);
}

static int set_properties(struct invoke_message *m, const struct options *o)
{
    for (size_t i = 0; i < o->property_count; i++) {
        const char *given = o->properties[i], *equals = strchr(given, '=');
        struct property *p = &m->properties[i];
        *p = (struct property){slice_make(given, (size_t)(equals - given)), slice_of(equals + 1)};
        if (!text_valid(p->key) || !text_valid(p->value)) {
            log_error("--property '%s': UTF-8 of at most 65,535 bytes is needed", given);
            return EX_USAGE;
        }
    }
    m->mqtt.properties = m->properties;
    m->mqtt.property_count = (uint32_t)o->property_count;
    return 0;
}

static int set_reply(struct invoke_message *m, const struct options *o)
{
    m->mqtt.response_topic = slice_of(o->response_topic);
    m->mqtt.correlation = slice_of(o->correlation);
    if (o->response_topic && !topic_name_valid(m->mqtt.response_topic)) {
        log_error("--response-topic '%s' is no topic: UTF-8 without + and # is needed", o->response_topic);
        return EX_USAGE;
    }
    if (m->mqtt.correlation.len > TEXT_MAX) {
        log_error("--correlation: at most 65,535 bytes are allowed");
        return EX_USAGE;
    }
    return 0;
}

/* ---- a tick ---- */

/* Its name, or NULL: it is a message. */
static const char *timer_of(const struct options *o, const struct manifest *m)
{
    return o->timer || o->given & OPTIONS_MESSAGE ? o->timer : m->triggers[0].timer;
}

static int set_tick(struct invoke_message *m, const struct options *o, const struct revision *r,
                    const char *timer)
{
    struct diag diag;
    if (o->given & OPTIONS_MESSAGE) {
        log_error("--timer: a tick has no topic, payload or properties: leave out what describes a message");
        return EX_USAGE;
    }
    if (aim_tick(r->manifest, timer, &m->mqtt, &m->properties[0], &diag) == 0)
        return 0;
    log_error("--%s", diag.text);
    return EX_USAGE;
}

int invoke_message_init(struct invoke_message *m, const struct options *o, const struct revision *r)
{
    *m = (struct invoke_message){.mqtt = {.qos = o->qos, .retained = o->retained}};
    const char *timer = timer_of(o, r->manifest);
    if (timer)
        return set_tick(m, o, r, timer);
    int code = set_topic(m, o, r);
    if (code == 0)
        code = find_trigger(m, r);
    if (code == 0)
        code = set_properties(m, o);
    if (code == 0)
        code = set_reply(m, o);
    if (code == 0)
        code = set_payload(m, o, r);
    if (code != 0)
        invoke_message_finish(m);
    return code;
}

void invoke_message_finish(struct invoke_message *m)
{
    buffer_finish(&m->file);
}

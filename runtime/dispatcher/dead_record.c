/* dead_record.c: a dead letter as the bytes of its file, and back. What is read is believed no more than any
 * file: it is checked, and refused as a whole. */
#include "dispatcher/dead_store.h"

#include "shared/hex.h"
#include "shared/topic.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- to bytes ---- */

static json_t *text(struct slice s)
{
    return s.data ? json_stringn(s.data, s.len) : NULL;
}

static json_t *hex(struct slice s)
{
    char *digits = s.data ? malloc(2 * s.len + 1) : NULL;
    if (!digits)
        return NULL;
    for (size_t i = 0; i < s.len; i++)
        snprintf(digits + 2 * i, 3, "%02x", (unsigned char)s.data[i]);
    json_t *string = json_stringn(digits, 2 * s.len);
    free(digits);
    return string;
}

static json_t *pairs(const struct mqtt_publish *m)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < m->property_count; i++)
        json_array_append_new(list,
                              json_pack("[o, o]", text(m->properties[i].key), text(m->properties[i].value)));
    return list;
}

/* "o*", "s*": what is absent stays away. */
static json_t *header_of(const struct dead_letter *l)
{
    const struct mqtt_publish *m = &l->message;
    json_t *expiry = m->has_expiry ? json_integer(m->expiry_s) : NULL;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s*, s:i, s:I, s:o*, s:i, s:b, s:o*, s:o*, s:o*, s:o*, s:o, s:I}", //
        "function", l->function, "version", l->version, "error", l->error, "reason", l->reason, "broker",
        l->broker, "timer", l->timer, "attempts", (int)l->attempts, "time_ms", (json_int_t)l->time_ms,
        "topic", text(m->topic), "qos", (int)m->qos, "retained", (int)m->retain, "content_type",
        text(m->content_type), "response_topic", text(m->response_topic), "correlation_hex",
        hex(m->correlation), "expiry_s", expiry, "properties", pairs(m), "payload_bytes",
        (json_int_t)m->payload.len);
}

int dead_letter_encode(const struct dead_letter *letter, struct buffer *file)
{
    json_t *header = header_of(letter);
    char *line = header ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (!line)
        return -ENOMEM;
    buffer_append(file, line, strlen(line));
    buffer_append(file, "\n", 1);
    buffer_append(file, letter->message.payload.data, letter->message.payload.len);
    free(line);
    return buffer_failed(file) ? -ENOMEM : 0;
}

/* ---- from bytes ---- */

static struct slice slice_in(const json_t *header, const char *key)
{
    const json_t *value = json_object_get(header, key);
    return json_is_string(value) ? slice_make(json_string_value(value), json_string_length(value))
                                 : (struct slice){0};
}

static int take_correlation(struct dead_record *r, struct slice digits)
{
    if (!digits.data)
        return 0;
    r->correlation = digits.len % 2 == 0 ? malloc(digits.len / 2 + 1) : NULL;
    if (!r->correlation)
        return -EBADMSG;
    for (size_t i = 0; i < digits.len / 2; i++) {
        int high = hex_digit(digits.data[2 * i]), low = hex_digit(digits.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EBADMSG;
        r->correlation[i] = (char)(high << 4 | low);
    }
    r->letter.message.correlation = slice_make(r->correlation, digits.len / 2);
    return digits.len / 2 <= UINT16_MAX ? 0 : -EBADMSG;
}

static int take_properties(struct dead_record *r, const json_t *list)
{
    size_t count = json_array_size(list);
    if (count > MQTT_USER_PROPERTIES_MAX)
        return -EBADMSG;
    r->properties = calloc(count + 1, sizeof *r->properties);
    if (!r->properties)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i), *key = json_array_get(pair, 0),
                     *value = json_array_get(pair, 1);
        if (!json_is_string(key) || !json_is_string(value))
            return -EBADMSG;
        r->properties[i] = (struct property){slice_make(json_string_value(key), json_string_length(key)),
                                             slice_make(json_string_value(value), json_string_length(value))};
    }
    r->letter.message.properties = r->properties;
    r->letter.message.property_count = (uint32_t)count;
    return 0;
}

static const char *text_in(const json_t *header, const char *key)
{
    const char *value = json_string_value(json_object_get(header, key));
    return value ? value : "";
}

static int take_message(struct dead_record *r, const json_t *header)
{
    struct mqtt_publish *m = &r->letter.message;
    const json_t *expiry = json_object_get(header, "expiry_s");
    json_int_t qos = json_integer_value(json_object_get(header, "qos"));
    *m = (struct mqtt_publish){.topic = slice_in(header, "topic"),
                               .content_type = slice_in(header, "content_type"),
                               .response_topic = slice_in(header, "response_topic"),
                               .has_expiry = json_is_integer(expiry),
                               .expiry_s = (uint32_t)json_integer_value(expiry),
                               .qos = (uint8_t)qos,
                               .retain = json_is_true(json_object_get(header, "retained"))};
    bool good = qos >= 0 && qos <= 2 && (!m->topic.data || topic_name_valid(m->topic)) &&
                (!m->response_topic.data || topic_name_valid(m->response_topic));
    int error = good ? take_correlation(r, slice_in(header, "correlation_hex")) : -EBADMSG;
    return error ? error : take_properties(r, json_object_get(header, "properties"));
}

static int take_header(struct dead_record *r, const char *line, size_t len)
{
    r->header = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *header = r->header;
    json_int_t bytes = json_integer_value(json_object_get(header, "payload_bytes"));
    if (!json_is_object(header) || bytes < 0 || bytes > DEAD_PAYLOAD_MAX)
        return -EBADMSG;
    r->letter.function = text_in(header, "function");
    r->letter.version = text_in(header, "version");
    r->letter.error = text_in(header, "error");
    r->letter.reason = text_in(header, "reason");
    r->letter.broker = text_in(header, "broker");
    r->letter.timer = json_string_value(json_object_get(header, "timer"));
    r->letter.attempts = (uint32_t)json_integer_value(json_object_get(header, "attempts"));
    r->letter.time_ms = json_integer_value(json_object_get(header, "time_ms"));
    r->letter.payload_bytes = (size_t)bytes;
    return take_message(r, header);
}

static int take_payload(struct dead_record *r, FILE *f)
{
    size_t len = r->letter.payload_bytes;
    r->payload = malloc(len + 1);
    if (!r->payload)
        return -ENOMEM;
    r->letter.message.payload = slice_make(r->payload, len);
    return fread(r->payload, 1, len, f) == len && fgetc(f) == EOF ? 0 : -EBADMSG;
}

static int read_file(FILE *f, bool with_payload, struct dead_record *r)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len = getline(&line, &room, f);
    int error = len > 0 && len <= DEAD_HEADER_MAX && line[len - 1] == '\n' ? 0 : -EBADMSG;
    if (error == 0)
        error = take_header(r, line, (size_t)len - 1);
    if (error == 0 && with_payload)
        error = take_payload(r, f);
    free(line);
    return error;
}

static bool has_sane_size(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_size <= (off_t)DEAD_HEADER_MAX + DEAD_PAYLOAD_MAX;
}

int dead_store_read(int folder, const struct dead_name *name, bool with_payload,
                    struct dead_record *ret_record)
{
    char file[DEAD_NAME_MAX + 1];
    struct dead_record r = {0};
    snprintf(file, sizeof file, "%s.%s", name->id, name->function);
    int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    FILE *f = has_sane_size(fd) ? fdopen(fd, "re") : NULL;
    if (!f) {
        close(fd);
        return -EBADMSG;
    }
    int error = read_file(f, with_payload, &r);
    fclose(f);
    memcpy(r.letter.id, name->id, sizeof r.letter.id);
    if (error)
        dead_record_finish(&r);
    else
        *ret_record = r;
    return error;
}

void dead_record_finish(struct dead_record *record)
{
    json_decref(record->header);
    free(record->payload);
    free(record->correlation);
    free(record->properties);
    *record = (struct dead_record){0};
}

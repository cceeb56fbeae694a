/* dead_print.c: dead letters for people and for scripts. */
#include "cli/dead.h"

#include "cli/display.h"
#include "cli/message_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum { TOPIC_WIDTH = 80, VALUE_WIDTH = 400, TIME_MAX = 32 };

static const char *time_text(int64_t time_ms, char text[TIME_MAX])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

/* ---- for scripts ---- */

static json_t *to_json(const struct dead_letter *l)
{
    char when[TIME_MAX];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:i, s:I}", "id", l->id, "time",
                     time_text(l->time_ms, when), "function", l->function, "version", l->version, "error",
                     l->error, "reason", l->reason, "broker", l->broker, "timer", l->timer, "attempts",
                     (int)l->attempts, "payload_bytes", (json_int_t)l->payload_bytes);
}

/* The payload is left out when it was not read. */
static void print_json(const struct dead_letter *l)
{
    json_t *object = to_json(l), *message = message_json(&l->message);
    if (object)
        json_object_update(object, message);
    json_decref(message);
    message_json_print(object);
}

/* ---- for people ---- */

static void print_bytes(const char *name, struct slice bytes)
{
    char shown[4 * VALUE_WIDTH + 8];
    if (!bytes.data)
        return;
    display_bytes(bytes, VALUE_WIDTH, shown, sizeof shown);
    printf("%-15s %s\n", name, shown);
}

static void print_line(const struct dead_letter *l)
{
    char when[TIME_MAX], topic[4 * TOPIC_WIDTH + 8], function[4 * TOPIC_WIDTH + 8],
        error[4 * TOPIC_WIDTH + 8];
    display_bytes(slice_of(l->function), TOPIC_WIDTH, function, sizeof function);
    display_bytes(slice_of(l->error), TOPIC_WIDTH, error, sizeof error);
    display_bytes(l->message.topic.data ? l->message.topic : slice_of(l->timer ? l->timer : "(nothing)"),
                  TOPIC_WIDTH, topic, sizeof topic);
    printf("%s  %s  %s  %s  %u  %s  %zu\n", l->id, time_text(l->time_ms, when), function, error, l->attempts,
           topic, l->payload_bytes);
}

static void print_message(const struct mqtt_publish *m)
{
    print_bytes("topic", m->topic);
    printf("%-15s %u%s\n", "QoS", m->qos, m->retain ? ", retained" : "");
    print_bytes("content type", m->content_type);
    print_bytes("response topic", m->response_topic);
    print_bytes("correlation", m->correlation);
    if (m->has_expiry)
        printf("%-15s %u s\n", "expiry", m->expiry_s);
    for (uint32_t i = 0; i < m->property_count; i++) {
        char key[4 * VALUE_WIDTH + 8], value[4 * VALUE_WIDTH + 8];
        display_bytes(m->properties[i].key, VALUE_WIDTH, key, sizeof key);
        display_bytes(m->properties[i].value, VALUE_WIDTH, value, sizeof value);
        printf("%-15s %s=%s\n", "property", key, value);
    }
    printf("%-15s %zu bytes\n", "payload", m->payload.len);
    print_bytes("", m->payload);
}

static void print_all(const struct dead_letter *l)
{
    char when[TIME_MAX];
    printf("%-15s %s\n%-15s %s\n", "ID", l->id, "time", time_text(l->time_ms, when));
    print_bytes("function", slice_of(l->function));
    print_bytes("version", slice_of(l->version));
    print_bytes("error", slice_of(l->error));
    print_bytes("reason", slice_of(l->reason));
    printf("%-15s %u\n", "attempts", l->attempts);
    print_bytes("broker", slice_of(l->broker));
    print_bytes("timer", slice_of(l->timer));
    print_message(&l->message);
}

/* ---- the actions ---- */

int dead_list(struct dead *d)
{
    int code = EX_OK;
    for (size_t i = 0; i < d->count; i++) {
        struct dead_record r;
        int error = dead_read(d, &d->names[i], false, &r);
        if (error) {
            code = error == -ENOENT ? code : error;
            continue;
        }
        if (d->options->json)
            print_json(&r.letter);
        else
            print_line(&r.letter);
        dead_record_finish(&r);
    }
    return code;
}

int dead_show(struct dead *d)
{
    struct dead_record r;
    int error = dead_read(d, &d->names[0], true, &r);
    if (error)
        return error == -ENOENT ? EX_DATAERR : error;
    if (d->options->json)
        print_json(&r.letter);
    else
        print_all(&r.letter);
    dead_record_finish(&r);
    return EX_OK;
}

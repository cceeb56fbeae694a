#include "cli/case_match.h"

#include "cli/case_json.h"
#include "shared/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- what came ---- */

static bool counts(const struct case_run *run, size_t play)
{
    return play >= run->test->before.count && run->plays[play].play.outcome == PLAY_OK;
}

static size_t count_outputs(const struct case_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->played; i++)
        count += counts(run, i) ? run->plays[i].play.outbox.count : 0;
    return count;
}

struct case_outputs case_outputs_of(const struct case_run *run)
{
    struct case_outputs all = {.items = calloc(count_outputs(run) + 1, sizeof *all.items)};
    CHECK(all.items);
    for (size_t i = 0; i < run->played; i++) {
        const struct case_play *p = &run->plays[i];
        size_t offset = 0;
        struct case_output *next = &all.items[all.count];
        while (counts(run, i) &&
               outbox_next(&p->play.outbox, &offset, &p->message, &next->publish, next->properties)) {
            /* The topic of a reply is borrowed from the message. */
            next->is_reply = next->publish.topic.data == p->message.response_topic.data;
            next->wanted_by = CASE_NOBODY;
            next = &all.items[++all.count];
        }
    }
    return all;
}

void case_outputs_finish(struct case_outputs *all)
{
    free(all->items);
}

const struct case_output *case_outputs_reply(const struct case_outputs *all)
{
    for (size_t i = all->count; i > 0; i--) {
        if (all->items[i - 1].is_reply)
            return &all->items[i - 1];
    }
    return NULL;
}

/* ---- is it what was expected? ---- */

bool case_text_matches(const char *expected, struct slice text)
{
    return !expected || (text.data && slice_equal(text, slice_of(expected)));
}

static bool json_matches(json_t *expected, struct slice payload)
{
    json_t *value = json_loadb(payload.data, payload.len, JSON_DECODE_ANY, NULL);
    bool equal = value && case_json_equal(value, expected);
    json_decref(value);
    return equal;
}

bool case_payload_matches(const struct case_payload *expected, struct slice payload)
{
    if (expected->base64)
        return slice_equal(payload, slice_make((const char *)expected->bytes, expected->byte_count));
    if (expected->json)
        return json_matches(expected->json, payload);
    if (expected->matches)
        return pattern_matches(expected->matches, payload);
    return case_text_matches(expected->text, payload);
}

bool case_property_matches(const struct manifest_pair *expected, const struct mqtt_publish *p)
{
    for (size_t i = 0; i < p->property_count; i++) {
        if (slice_equal(p->properties[i].key, slice_of(expected->key)) &&
            slice_equal(p->properties[i].value, slice_of(expected->value)))
            return true;
    }
    return false;
}

bool case_message_matches(const struct case_message *e, const struct mqtt_publish *p)
{
    for (size_t i = 0; i < e->property_count; i++) {
        if (!case_property_matches(&e->properties[i], p))
            return false;
    }
    return case_text_matches(e->topic, p->topic) && case_payload_matches(&e->payload, p->payload) &&
           case_text_matches(e->content_type, p->content_type) &&
           case_text_matches(e->response_topic, p->response_topic) &&
           case_text_matches(e->correlation, p->correlation) &&
           (e->qos == CASE_ANY_QOS || e->qos == p->qos) &&
           (e->retained == CASE_ANY_RETAINED || e->retained == p->retain) &&
           (e->expiry_s == CASE_ANY_EXPIRY || (p->has_expiry && e->expiry_s == p->expiry_s));
}

bool case_outputs_assign(struct case_outputs *all, const struct case_expect *expect, bool *met)
{
    const struct case_messages *expected = &expect->publishes;
    bool good = true;
    size_t next = 0;
    for (size_t e = 0; e < expected->count; e++) {
        for (size_t i = expect->any_order ? 0 : next; i < all->count && !met[e]; i++) {
            struct case_output *o = &all->items[i];
            if (o->is_reply || o->wanted_by != CASE_NOBODY ||
                !case_message_matches(&expected->items[e], &o->publish))
                continue;
            o->wanted_by = (int)e; /* at most CASE_MESSAGES_MAX */
            met[e] = true;
            next = i + 1;
        }
        good &= met[e];
    }
    return good;
}

bool case_reply_matches(const struct case_expect *expect, const struct case_output *reply)
{
    if (expect->reply_kind == CASE_REPLY_LIKE)
        return reply && case_message_matches(&expect->reply, &reply->publish);
    return expect->reply_kind == CASE_REPLY_ANY || !reply;
}

bool case_log_matches(const struct case_log *expected, const char *line)
{
    if (expected->matches)
        return pattern_matches(expected->matches, slice_of(line));
    return strstr(line, expected->text) != NULL;
}

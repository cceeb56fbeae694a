#include "cli/case_judge.h"

#include "cli/case_json.h"
#include "cli/show.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_SHOWN_MAX = 20 };

/* ---- what came ---- */

struct output {
    struct mqtt_publish publish; /* borrowed from the outbox */
    struct property properties[WIRE_PROPERTIES_MAX];
    bool is_reply, is_wanted;
};

struct outputs {
    struct output *items;
    size_t count;
};

static bool is_given(const struct case_run *run, size_t play)
{
    return play >= run->test->before.count && run->plays[play].play.outcome == PLAY_OK;
}

static size_t count_outputs(const struct case_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->played; i++)
        count += is_given(run, i) ? run->plays[i].play.outbox.count : 0;
    return count;
}

static struct outputs collect(const struct case_run *run)
{
    struct outputs all = {.items = calloc(count_outputs(run) + 1, sizeof *all.items)};
    CHECK(all.items);
    for (size_t i = 0; i < run->played; i++) {
        const struct case_play *p = &run->plays[i];
        size_t offset = 0;
        struct output *next = &all.items[all.count];
        while (is_given(run, i) &&
               outbox_next(&p->play.outbox, &offset, &p->message, &next->publish, next->properties)) {
            /* The topic of a reply is borrowed from the message. */
            next->is_reply = next->publish.topic.data == p->message.response_topic.data;
            next = &all.items[++all.count];
        }
    }
    return all;
}

/* ---- is it what was expected? ---- */

static bool text_matches(const char *expected, struct slice text)
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

/* regexec(3) takes a text that ends in NUL. */
static bool regex_matches(const regex_t *regex, struct slice bytes)
{
    char *text = strndup(bytes.data, bytes.len);
    CHECK(text);
    bool matches = strlen(text) == bytes.len && regexec(regex, text, 0, NULL, 0) == 0;
    free(text);
    return matches;
}

static bool payload_matches(const struct case_payload *expected, struct slice payload)
{
    if (expected->base64)
        return slice_equal(payload, slice_make((const char *)expected->bytes, expected->byte_count));
    if (expected->json)
        return json_matches(expected->json, payload);
    if (expected->matches)
        return regex_matches(&expected->regex, payload);
    return text_matches(expected->text, payload);
}

static bool has_property(const struct mqtt_publish *p, const struct manifest_pair *pair)
{
    for (size_t i = 0; i < p->property_count; i++) {
        if (slice_equal(p->properties[i].key, slice_of(pair->key)) &&
            slice_equal(p->properties[i].value, slice_of(pair->value)))
            return true;
    }
    return false;
}

static bool matches(const struct case_message *e, const struct mqtt_publish *p)
{
    for (size_t i = 0; i < e->property_count; i++) {
        if (!has_property(p, &e->properties[i]))
            return false;
    }
    return text_matches(e->topic, p->topic) && payload_matches(&e->payload, p->payload) &&
           text_matches(e->content_type, p->content_type) &&
           text_matches(e->response_topic, p->response_topic) &&
           text_matches(e->correlation, p->correlation) && (e->qos == CASE_ANY_QOS || e->qos == p->qos) &&
           (e->retained == CASE_ANY_RETAINED || e->retained == p->retain) &&
           (e->expiry_s == CASE_ANY_EXPIRY || (p->has_expiry && e->expiry_s == p->expiry_s));
}

/* ---- in words ---- */

static void show_expected_payload(FILE *f, const struct case_payload *p)
{
    char *json = p->json ? json_dumps(p->json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (json)
        show_text(f, "  JSON ", slice_of(json));
    else if (p->base64)
        show_text(f, "  ", slice_make((const char *)p->bytes, p->byte_count));
    else if (p->matches)
        show_text(f, "  matching ", slice_of(p->matches));
    else if (p->text)
        show_text(f, "  ", slice_of(p->text));
    free(json);
}

static void show_expected(FILE *f, const struct case_message *e, const char *topic)
{
    show_text(f, "", slice_of(e->topic ? e->topic : topic));
    show_expected_payload(f, &e->payload);
    if (e->qos != CASE_ANY_QOS)
        fprintf(f, "  qos=%u", e->qos);
    if (e->retained != CASE_ANY_RETAINED)
        fprintf(f, "  %s", e->retained ? "retained" : "not retained");
    if (e->expiry_s != CASE_ANY_EXPIRY)
        fprintf(f, "  expiry=%us", e->expiry_s);
    show_text(f, "  content_type=", slice_of(e->content_type));
    show_text(f, "  response_topic=", slice_of(e->response_topic));
    show_text(f, "  correlation=", slice_of(e->correlation));
    for (size_t i = 0; i < e->property_count; i++) {
        show_text(f, "  ", slice_of(e->properties[i].key));
        show_text(f, "=", slice_of(e->properties[i].value));
    }
    fputc('\n', f);
}

/* ---- publishes and replies ---- */

/* Gives each expected one an output of its own, the first that fits; in order: the next one. */
static bool assign(const struct case_messages *expected, struct outputs *all, bool any_order, bool *met)
{
    bool good = true;
    size_t next = 0;
    for (size_t e = 0; e < expected->count; e++) {
        for (size_t i = any_order ? 0 : next; i < all->count && !met[e]; i++) {
            struct output *o = &all->items[i];
            if (o->is_reply || o->is_wanted || !matches(&expected->items[e], &o->publish))
                continue;
            o->is_wanted = met[e] = true;
            next = i + 1;
        }
        good &= met[e];
    }
    return good;
}

static bool any_unwanted(const struct outputs *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i].is_reply && !all->items[i].is_wanted)
            return true;
    }
    return false;
}

static void judge_publishes(FILE *f, const struct case_expect *e, struct outputs *all)
{
    bool *met = calloc(e->publishes.count + 1, sizeof *met);
    CHECK(met);
    bool good = assign(&e->publishes, all, e->any_order, met);
    if (e->publishes.given && (!good || any_unwanted(all))) {
        fputs("publishes: - is missing, + was not expected\n", f);
        for (size_t i = 0; i < e->publishes.count; i++) {
            fputs(met[i] ? "    " : "  - ", f);
            show_expected(f, &e->publishes.items[i], "(any topic)");
        }
        for (size_t i = 0; i < all->count; i++) {
            if (all->items[i].is_reply || all->items[i].is_wanted)
                continue;
            fputs("  + ", f);
            show_publish(f, &all->items[i].publish);
        }
    }
    free(met);
}

static const struct output *last_reply(const struct outputs *all)
{
    for (size_t i = all->count; i > 0; i--) {
        if (all->items[i - 1].is_reply)
            return &all->items[i - 1];
    }
    return NULL;
}

static void judge_reply(FILE *f, const struct case_expect *e, const struct outputs *all)
{
    const struct output *reply = last_reply(all);
    bool good = e->reply_kind == CASE_REPLY_ANY ||
                (e->reply_kind == CASE_REPLY_NONE ? !reply : reply && matches(&e->reply, &reply->publish));
    if (good)
        return;
    fputs("reply: - is missing, + was not expected\n", f);
    if (e->reply_kind == CASE_REPLY_LIKE) {
        fputs("  - ", f);
        show_expected(f, &e->reply, "(a reply)");
    }
    if (reply) {
        fputs("  + ", f);
        show_publish(f, &reply->publish);
    }
}

/* ---- the rest ---- */

static bool is_logged(const struct case_run *run, const struct case_log *log)
{
    for (size_t i = 0; i < run->log_count; i++) {
        if (log->matches ? regexec(&log->regex, run->logs[i], 0, NULL, 0) == 0
                         : strstr(run->logs[i], log->text) != NULL)
            return true;
    }
    return false;
}

static void judge_log(FILE *f, const struct case_run *run)
{
    const struct case_expect *e = &run->test->expect;
    for (size_t i = 0; i < e->log_count; i++) {
        const struct case_log *log = &e->logs[i];
        if (is_logged(run, log))
            continue;
        show_text(f, log->matches ? "log: no line matches " : "log: no line has ",
                  slice_of(log->matches ? log->matches : log->text));
        fputc('\n', f);
    }
}

/* Of a case that failed: it may say why. */
static void show_log(FILE *f, const struct case_run *run)
{
    if (run->log_count > 0)
        fputs("the function's log:\n", f);
    for (size_t i = 0; i < run->log_count && i < LOG_SHOWN_MAX; i++) {
        show_text(f, "  | ", slice_of(run->logs[i]));
        fputc('\n', f);
    }
    if (run->log_count > LOG_SHOWN_MAX)
        fprintf(f, "  | ... and %zu lines more\n", run->log_count - LOG_SHOWN_MAX);
}

static void judge_time(FILE *f, const struct case_run *run)
{
    uint64_t within_ns = run->test->expect.within_ns;
    for (size_t i = run->test->before.count; i < run->played && within_ns; i++) {
        if (run->plays[i].play.ran_ns > within_ns)
            fprintf(f, "within: message %zu took %.3f ms, %.3f ms are allowed\n",
                    i - run->test->before.count + 1, (double)run->plays[i].play.ran_ns / (double)NS_PER_MS,
                    (double)within_ns / (double)NS_PER_MS);
    }
}

static void judge_result(FILE *f, const struct case_run *run)
{
    const struct play *last = &run->plays[run->played - 1].play;
    enum play_outcome wanted =
        run->played == run->count ? (enum play_outcome)run->test->expect.result : PLAY_OK;
    if (last->outcome == wanted)
        return;
    fprintf(f, "result: expected %s, was %s", play_outcome_name(wanted), play_outcome_name(last->outcome));
    if (last->text[0])
        fprintf(f, ": %s", last->text);
    if (run->played < run->count)
        fprintf(f, " (message %zu of %zu%s)", run->played, run->count,
                run->played <= run->test->before.count ? ", before" : "");
    fputc('\n', f);
}

char *case_judge(const struct case_run *run)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    CHECK(f);
    if (run->error[0]) {
        fprintf(f, "%s\n", run->error);
    } else {
        struct outputs all = collect(run);
        judge_result(f, run);
        judge_publishes(f, &run->test->expect, &all);
        judge_reply(f, &run->test->expect, &all);
        judge_log(f, run);
        judge_time(f, run);
        free(all.items);
    }
    if (ftell(f) > 0)
        show_log(f, run);
    CHECK(fclose(f) == 0);
    if (len > 0)
        return text;
    free(text);
    return NULL;
}

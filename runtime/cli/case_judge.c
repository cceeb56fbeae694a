#include "cli/case_judge.h"

#include "cli/case_match.h"
#include "cli/show.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_SHOWN_MAX = 20, MIB = 1024 * 1024 };

/* ---- in words ---- */

static void show_expected_payload(FILE *f, const struct case_payload *p)
{
    char *json = p->json ? json_dumps(p->json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (json)
        show_text(f, "  JSON ", slice_of(json));
    else if (p->base64)
        show_text(f, "  ", slice_make((const char *)p->bytes, p->byte_count));
    else if (p->matches)
        show_text(f, "  matching ", slice_of(p->matches->text));
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

static bool any_unwanted(const struct case_outputs *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i].is_reply && all->items[i].wanted_by == CASE_NOBODY)
            return true;
    }
    return false;
}

static void judge_publishes(FILE *f, const struct case_expect *e, struct case_outputs *all)
{
    bool *met = calloc(e->publishes.count + 1, sizeof *met);
    CHECK(met);
    bool good = case_outputs_assign(all, e, met);
    if (e->publishes.given && (!good || any_unwanted(all))) {
        fputs("publishes: - is missing, + was not expected\n", f);
        for (size_t i = 0; i < e->publishes.count; i++) {
            fputs(met[i] ? "    " : "  - ", f);
            show_expected(f, &e->publishes.items[i], "(any topic)");
        }
        for (size_t i = 0; i < all->count; i++) {
            if (all->items[i].is_reply || all->items[i].wanted_by != CASE_NOBODY)
                continue;
            fputs("  + ", f);
            show_publish(f, &all->items[i].publish);
        }
    }
    free(met);
}

static void judge_reply(FILE *f, const struct case_expect *e, const struct case_outputs *all)
{
    const struct case_output *reply = case_outputs_reply(all);
    if (case_reply_matches(e, reply))
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
        if (case_log_matches(log, run->logs[i]))
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
                  slice_of(log->matches ? log->matches->text : log->text));
        fputc('\n', f);
    }
}

static void judge_pattern(FILE *f, const struct case_run *run, const struct pattern *p)
{
    if (p && p->given_up)
        fprintf(f,
                "%s:%u:%u: given up: to try this takes more than %d s of CPU time or %d MiB: write a simpler "
                "one\n",
                run->file->path, p->line, p->column, PATTERN_CPU_S, PATTERN_MEMORY_BYTES / MIB);
}

static void judge_patterns(FILE *f, const struct case_run *run)
{
    const struct case_expect *e = &run->test->expect;
    for (size_t i = 0; i < e->publishes.count; i++)
        judge_pattern(f, run, e->publishes.items[i].payload.matches);
    judge_pattern(f, run, e->reply.payload.matches);
    for (size_t i = 0; i < e->log_count; i++)
        judge_pattern(f, run, e->logs[i].matches);
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
        struct case_outputs all = case_outputs_of(run);
        judge_result(f, run);
        judge_publishes(f, &run->test->expect, &all);
        judge_reply(f, &run->test->expect, &all);
        judge_log(f, run);
        judge_patterns(f, run);
        judge_time(f, run);
        case_outputs_finish(&all);
    }
    if (ftell(f) > 0)
        show_log(f, run);
    CHECK(fclose(f) == 0);
    if (len > 0)
        return text;
    free(text);
    return NULL;
}

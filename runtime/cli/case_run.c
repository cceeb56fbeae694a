#include "cli/case_run.h"

#include "cli/aim.h"
#include "cli/load.h"
#include "shared/check.h"
#include "shared/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the function ---- */

char *case_function_path(const struct case_file *f)
{
    const char *slash = strrchr(f->path, '/');
    int folder = slash && f->function[0] != '/' ? (int)(slash - f->path) + 1 : 0;
    char *path;
    CHECK(asprintf(&path, "%.*s%s", folder, f->path, f->function) >= 0);
    return path;
}

static void set_config(struct manifest *m, const struct manifest_pair *pair)
{
    size_t i = 0;
    while (i < m->config_count && strcmp(m->config[i].key, pair->key) != 0)
        i++;
    if (i == m->config_count) {
        m->config = realloc(m->config, (i + 1) * sizeof *m->config);
        CHECK(m->config);
        m->config[m->config_count++] = (struct manifest_pair){.key = must_strdup(pair->key)};
    }
    free(m->config[i].value);
    m->config[i].value = must_strdup(pair->value);
}

static int override_config(struct case_run *run)
{
    struct manifest *m = run->revision->manifest;
    if (m->config_count + run->file->config_count + run->test->config_count > MANIFEST_CONFIG_MAX) {
        snprintf(run->error, sizeof run->error, "config: more than %d values in all", MANIFEST_CONFIG_MAX);
        return -EINVAL;
    }
    for (size_t i = 0; i < run->file->config_count; i++)
        set_config(m, &run->file->config[i]);
    for (size_t i = 0; i < run->test->config_count; i++)
        set_config(m, &run->test->config[i]);
    return 0;
}

static int load_function(struct case_run *run, const char *functions)
{
    struct diags diags = {0};
    char *path = case_function_path(run->file);
    int error = load_revision(path, functions, &run->revision, &diags);
    if (error < 0 && diags.count > 0)
        diag_format(&diags.items[0], run->error, sizeof run->error);
    else if (error < 0)
        snprintf(run->error, sizeof run->error, "%s: %s", path, strerror(-error));
    diags_finish(&diags);
    free(path);
    return error < 0 ? error : override_config(run);
}

/* ---- messages ---- */

static struct slice payload_of(struct case_play *p)
{
    const struct case_payload *given = &p->given->payload;
    if (given->base64)
        return slice_make((const char *)given->bytes, given->byte_count);
    if (!given->json)
        return slice_of(given->text ? given->text : "");
    p->json = json_dumps(given->json, JSON_COMPACT | JSON_ENCODE_ANY);
    CHECK(p->json);
    return slice_of(p->json);
}

static void describe(struct case_play *p)
{
    const struct case_message *m = p->given;
    for (size_t i = 0; i < m->property_count; i++)
        p->properties[i] =
            (struct property){slice_of(m->properties[i].key), slice_of(m->properties[i].value)};
    p->message = (struct mqtt_message){.topic = slice_of(m->topic),
                                       .payload = payload_of(p),
                                       .content_type = slice_of(m->content_type),
                                       .response_topic = slice_of(m->response_topic),
                                       .correlation = slice_of(m->correlation),
                                       .properties = p->properties,
                                       .property_count = (uint32_t)m->property_count,
                                       .expiry_s = m->expiry_s,
                                       .has_expiry = m->expiry_s > 0,
                                       .qos = m->qos,
                                       .retained = m->retained};
}

/* Makes the message of one that is given. */
static int prepare(struct case_run *run, struct case_play *p)
{
    const struct manifest *m = run->revision->manifest;
    struct diag diag = {0};
    int error = 0;
    p->play = (struct play){.message = &p->message, .captures = &p->captures, .attempt = p->given->attempt};
    if (p->given->timer) {
        error = aim_tick(m, p->given->timer, &p->message, p->properties, &diag);
    } else {
        describe(p);
        error = aim_message(m, &p->message, &p->captures, &diag);
    }
    if (error == 0 && p->message.payload.len > m->limit_payload_bytes) {
        diag_set(&diag, NULL, 0, 0,
                 "the payload has more than %llu bytes, which is the function's limits.payload",
                 (unsigned long long)m->limit_payload_bytes);
        error = -EMSGSIZE;
    }
    if (error == 0)
        return 0;
    struct diag placed;
    diag_set(&placed, run->file->path, p->given->line, p->given->column, "%s", diag.text);
    diag_format(&placed, run->error, sizeof run->error);
    return error;
}

/* ---- playing ---- */

static bool is_over(const struct case_run *run)
{
    return run->cancelled || run->error[0] || run->played == run->count ||
           (run->played > 0 && run->plays[run->played - 1].play.outcome != PLAY_OK);
}

/* Plays the next message, or ends. */
static void go_on(struct case_run *run)
{
    struct diag diag = {0};
    if (!is_over(run) && prepare(run, &run->plays[run->played]) == 0 &&
        player_play(&run->player, &run->plays[run->played].play, &diag) < 0)
        snprintf(run->error, sizeof run->error, "%s", diag.text);
    if (!is_over(run))
        return;
    run->stopping = true;
    player_stop(&run->player);
}

static void on_over(void *user, struct play *play)
{
    struct case_run *run = user;
    run->took_ns += play->took_ns;
    run->played++;
    go_on(run);
}

static void on_log(void *user, struct play *play, const struct worker *w, int level, struct slice text)
{
    struct case_run *run = user;
    (void)play, (void)w, (void)level;
    if (run->played < run->test->before.count || run->log_count == CASE_LOG_LINES_MAX)
        return;
    run->logs[run->log_count] = strndup(text.data, text.len);
    CHECK(run->logs[run->log_count]);
    run->log_count++;
}

static void on_lost(void *user, const char *text)
{
    struct case_run *run = user;
    snprintf(run->error, sizeof run->error, "between two messages: %s", text);
}

static const struct player_events events = {.over = on_over, .log = on_log, .lost = on_lost};

void case_run_start(struct case_run *run, const struct case_file *file, const struct test_case *test,
                    struct worker_io *io, const char *functions)
{
    *run = (struct case_run){.file = file, .test = test, .count = test->before.count + test->given.count};
    run->plays = calloc(run->count, sizeof *run->plays);
    run->logs = calloc(CASE_LOG_LINES_MAX, sizeof *run->logs);
    CHECK(run->plays && run->logs);
    for (size_t i = 0; i < run->count; i++)
        run->plays[i].given =
            i < test->before.count ? &test->before.items[i] : &test->given.items[i - test->before.count];
    if (load_function(run, functions) == 0)
        player_init(&run->player, io, run->revision, &events, run);
    go_on(run);
}

void case_run_cancel(struct case_run *run)
{
    if (!run->cancelled && run->player.worker)
        worker_kill(run->player.worker);
    run->cancelled = true;
}

bool case_run_is_over(const struct case_run *run)
{
    return run->stopping && player_is_down(&run->player);
}

void case_run_rest(struct case_run *run)
{
    if (run->revision && run->revision->handler_fd >= 0)
        close(run->revision->handler_fd);
    if (run->revision)
        run->revision->handler_fd = -1;
}

void case_run_finish(struct case_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        play_finish(&run->plays[i].play);
        free(run->plays[i].json);
    }
    for (size_t i = 0; i < run->log_count; i++)
        free(run->logs[i]);
    free(run->plays);
    free(run->logs);
    revision_drop(run->revision);
}

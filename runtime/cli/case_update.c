#include "cli/case_update.h"

#include "cli/case_same.h"
#include "cli/case_write.h"
#include "cli/yaml_edit.h"
#include "shared/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One case. */
struct update {
    struct yaml_edit *edit;
    const struct case_expect *expect;
    const struct case_happened *happened;
    const struct yaml_node *node; /* of `expect` */
    bool json;                    /* it expects JSON somewhere */
};

/* ---- what can be written ---- */

const char *case_update_refuses(const struct case_run *run)
{
    if (run->error[0])
        return "it could not be run";
    enum play_outcome outcome = run->plays[run->played - 1].play.outcome;
    if (outcome == PLAY_NOT_READY || outcome == PLAY_NO_WORKER)
        return "the function did not start";
    if (run->played < run->count)
        return "of several messages only the last may end otherwise than well";
    return NULL;
}

struct case_happened case_happened_in(const struct case_run *run)
{
    const struct case_play *last = &run->plays[run->played - 1];
    return (struct case_happened){.outcome = last->play.outcome,
                                  .outputs = case_outputs_of(run),
                                  .logs = run->logs,
                                  .log_count = run->log_count,
                                  .was_asked = last->message.response_topic.data != NULL};
}

/* ---- messages ---- */

static enum yaml_quotes quotes_of(const struct update *u, const struct yaml_node *value)
{
    if (value->plain)
        return YAML_QUOTES_NONE;
    return u->edit->tree->text.data[value->start] == '\'' ? YAML_QUOTES_SINGLE : YAML_QUOTES_DOUBLE;
}

static void edit_owned(struct update *u, const struct yaml_node *value, char *text)
{
    yaml_edit_value(u->edit, value, text);
    free(text);
}

static void edit_text(struct update *u, const struct yaml_node *item, const char *key, const char *expected,
                      struct slice text)
{
    const struct yaml_node *value = yaml_find(item, key);
    if (!case_text_matches(expected, text))
        edit_owned(u, value, case_write_text(text, quotes_of(u, value)));
}

/* Nobody knows whether it matches, so it stays. */
static bool is_given_up(const struct pattern *p)
{
    return p && p->given_up;
}

/* The key stays, or another kind of payload takes its place. */
static void edit_payload(struct update *u, const struct yaml_node *item, const struct case_payload *expected,
                         struct slice payload)
{
    static const char *const keys[] = {"payload", "payload_base64", "payload_json", "payload_matches"};
    const struct yaml_node *value = NULL;
    char *pair;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !value; i++)
        value = yaml_find(item, keys[i]);
    if (!value || case_payload_matches(expected, payload) || is_given_up(expected->matches))
        return;
    enum case_payload_kind kind = case_payload_kind(expected, payload);
    enum yaml_quotes quotes = expected->text ? quotes_of(u, value) : YAML_QUOTES_DOUBLE;
    char *text = case_write_payload(kind, payload, quotes);
    CHECK(asprintf(&pair, "%s: %s", case_payload_keys[kind], text) >= 0);
    if (strcmp(value->key->text.data, case_payload_keys[kind]) == 0)
        yaml_edit_value(u->edit, value, text);
    else
        yaml_edit_pair(u->edit, value, pair);
    free(text);
    free(pair);
}

static bool can_edit_text(const char *expected, struct slice text)
{
    return case_text_matches(expected, text) || case_can_write(text);
}

/* Can its values be replaced one by one? Not where a key has to go, nor of properties. */
static bool can_edit(const struct case_message *e, const struct mqtt_publish *p)
{
    for (size_t i = 0; i < e->property_count; i++) {
        if (!case_property_matches(&e->properties[i], p))
            return false;
    }
    return can_edit_text(e->content_type, p->content_type) &&
           can_edit_text(e->response_topic, p->response_topic) &&
           can_edit_text(e->correlation, p->correlation) &&
           (e->expiry_s == CASE_ANY_EXPIRY || (p->has_expiry && p->expiry_s > 0));
}

static void edit_message(struct update *u, const struct yaml_node *item, const struct case_message *e,
                         const struct mqtt_publish *p)
{
    char expiry[16];
    edit_text(u, item, "topic", e->topic, p->topic);
    edit_payload(u, item, &e->payload, p->payload);
    edit_text(u, item, "content_type", e->content_type, p->content_type);
    edit_text(u, item, "response_topic", e->response_topic, p->response_topic);
    edit_text(u, item, "correlation", e->correlation, p->correlation);
    if (e->qos != CASE_ANY_QOS && e->qos != p->qos)
        yaml_edit_value(u->edit, yaml_find(item, "qos"), (const char *const[]){"0", "1", "2"}[p->qos]);
    if (e->retained != CASE_ANY_RETAINED && e->retained != p->retain)
        yaml_edit_value(u->edit, yaml_find(item, "retained"), p->retain ? "true" : "false");
    snprintf(expiry, sizeof expiry, "%us", p->expiry_s);
    if (e->expiry_s != CASE_ANY_EXPIRY && e->expiry_s != p->expiry_s)
        yaml_edit_value(u->edit, yaml_find(item, "expiry"), expiry);
}

/* ---- publishes ---- */

/* What is expected and did not come, beside what came and was not expected. */
struct gap {
    struct update *u;
    struct yaml_items *items;
    const bool *met;
    size_t expected;               /* the next to look at */
    const struct case_output *now; /* the next to look at */
};

/* The next that did not come, before `end`; end: none is left. */
static size_t next_unmet(struct gap *g, size_t end)
{
    while (g->expected < end && g->met[g->expected])
        g->expected++;
    return g->expected;
}

/* Outputs up to `last` take the places of those that did not come before `end`, then stand before it. */
static void fill_gap(struct gap *g, size_t end, const struct case_output *last)
{
    const struct case_messages *expected = &g->u->expect->publishes;
    for (; g->now < last; g->now++) {
        const struct mqtt_publish *p = &g->now->publish;
        if (g->now->is_reply || g->now->wanted_by != CASE_NOBODY)
            continue;
        size_t e = next_unmet(g, end);
        if (e == end) {
            yaml_items_add(g->items, end, case_write_message(p, NULL, g->u->json));
            continue;
        }
        if (can_edit(&expected->items[e], p))
            edit_message(g->u, g->items->old[e], &expected->items[e], p);
        else
            g->items->now[e] = case_write_message(p, &expected->items[e], g->u->json);
        g->expected++;
    }
    for (; next_unmet(g, end) < end; g->expected++)
        g->items->removed[g->expected] = true;
}

static bool all_wanted(const struct case_outputs *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i].is_reply && all->items[i].wanted_by == CASE_NOBODY)
            return false;
    }
    return true;
}

static void update_publishes(struct update *u, struct case_outputs *all)
{
    const struct case_messages *expected = &u->expect->publishes;
    const struct yaml_node *list = yaml_find(u->node, "publishes");
    bool *met = calloc(expected->count + 1, sizeof *met);
    CHECK(met);
    for (size_t i = 0; i < all->count; i++)
        all->items[i].wanted_by = CASE_NOBODY;
    if (!list || (case_outputs_assign(all, u->expect, met) && all_wanted(all))) {
        free(met);
        return;
    }
    struct yaml_items items = yaml_items_of(list);
    struct gap gap = {.u = u, .items = &items, .met = met, .now = all->items};
    for (size_t i = 0; i < all->count && !u->expect->any_order; i++) {
        if (all->items[i].wanted_by == CASE_NOBODY)
            continue;
        fill_gap(&gap, (size_t)all->items[i].wanted_by, &all->items[i]);
        gap.expected = (size_t)all->items[i].wanted_by + 1;
    }
    fill_gap(&gap, expected->count, all->items + all->count);
    yaml_edit_list(u->edit, u->node, list, &items);
    free(met);
}

/* ---- the rest ---- */

static void update_result(struct update *u)
{
    const struct yaml_node *value = yaml_find(u->node, "result");
    const char *outcome = play_outcome_name(u->happened->outcome);
    char pair[64];
    snprintf(pair, sizeof pair, "result: %s", outcome);
    if (u->expect->result == u->happened->outcome)
        return;
    if (value)
        yaml_edit_value(u->edit, value, outcome);
    else
        yaml_edit_first_pair(u->edit, u->node, pair);
}

static void update_reply(struct update *u)
{
    const struct case_output *reply = case_outputs_reply(&u->happened->outputs);
    const struct yaml_node *value = yaml_find(u->node, "reply");
    const struct case_message *e = &u->expect->reply;
    if (case_reply_matches(u->expect, reply))
        return;
    if (!reply)
        yaml_edit_value(u->edit, value, "none");
    else if (u->expect->reply_kind == CASE_REPLY_NONE)
        edit_owned(u, value, case_write_reply(&reply->publish, NULL, u->json));
    else if (can_edit(e, &reply->publish))
        edit_message(u, value, e, &reply->publish);
    else
        edit_owned(u, value, case_write_reply(&reply->publish, e, u->json));
}

static bool is_logged(const struct case_happened *h, const struct case_log *log)
{
    for (size_t i = 0; i < h->log_count; i++) {
        if (case_log_matches(log, h->logs[i]))
            return true;
    }
    return is_given_up(log->matches);
}

static bool is_line_expected(const struct update *u, const char *line)
{
    for (size_t i = 0; i < u->expect->log_count; i++) {
        if (case_log_matches(&u->expect->logs[i], line))
            return true;
    }
    return false;
}

/* The next line that can stand for an expected one that did not come; NULL: there is none. */
static const char *next_line(const struct update *u, size_t *at)
{
    while (*at < u->happened->log_count) {
        const char *line = u->happened->logs[(*at)++];
        if (line[0] && case_can_write(slice_of(line)) && !is_line_expected(u, line))
            return line;
    }
    return NULL;
}

static void update_logs(struct update *u)
{
    const struct yaml_node *list = yaml_find(u->node, "log");
    size_t at = 0;
    if (!list)
        return;
    struct yaml_items items = yaml_items_of(list);
    for (size_t i = 0; i < u->expect->log_count; i++) {
        if (is_logged(u->happened, &u->expect->logs[i]))
            continue;
        const char *line = next_line(u, &at);
        items.removed[i] = !line;
        if (line)
            items.now[i] = case_write_text(
                slice_of(line), u->expect->logs[i].matches ? YAML_QUOTES_DOUBLE : quotes_of(u, items.old[i]));
    }
    yaml_edit_list(u->edit, u->node, list, &items);
}

/* ---- a case that expects nothing yet ---- */

static char *all_publishes(const struct case_outputs *all, const char *before, const char *between,
                           const char *behind)
{
    char *text = NULL;
    size_t len = 0, n = 0;
    FILE *f = open_memstream(&text, &len);
    CHECK(f);
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].is_reply)
            continue;
        char *item = case_write_message(&all->items[i].publish, NULL, true);
        fprintf(f, "%s%s", n++ == 0 ? before : between, item);
        free(item);
    }
    fputs(n == 0 ? " []" : behind, f);
    CHECK(fclose(f) == 0);
    return text;
}

static char *whole_reply(const struct case_happened *h)
{
    const struct case_output *reply = case_outputs_reply(&h->outputs);
    return reply ? case_write_reply(&reply->publish, NULL, true) : must_strdup("none");
}

static void add_expect(struct yaml_edit *edit, const struct yaml_node *node, const struct case_happened *h)
{
    char *reply = whole_reply(h), *lines, *in_line, *listed, *publishes;
    const char *outcome = play_outcome_name(h->outcome);
    bool ended_well = h->outcome == PLAY_OK;
    listed = all_publishes(&h->outputs, "\n    - ", "\n    - ", "");
    publishes = all_publishes(&h->outputs, " [ ", ", ", " ]");
    CHECK(asprintf(&lines, "\nexpect:%s%s\n  publishes:%s%s%s",
                   ended_well ? "" : "\n  result: ", ended_well ? "" : outcome, listed,
                   h->was_asked ? "\n  reply: " : "", h->was_asked ? reply : "") >= 0);
    CHECK(asprintf(&in_line, "expect: { %s%s%spublishes:%s%s%s }",
                   ended_well ? "" : "result: ", ended_well ? "" : outcome, ended_well ? "" : ", ", publishes,
                   h->was_asked ? ", reply: " : "", h->was_asked ? reply : "") >= 0);
    yaml_edit_last_pair(edit, node, lines, in_line);
    free(reply);
    free(lines);
    free(in_line);
    free(listed);
    free(publishes);
}

/* ---- a file ---- */

static bool expects_json(const struct case_expect *e)
{
    for (size_t i = 0; i < e->publishes.count; i++) {
        if (e->publishes.items[i].payload.json)
            return true;
    }
    return e->reply.payload.json != NULL;
}

static void update_case(struct yaml_edit *edit, const struct yaml_node *node, const struct test_case *c,
                        struct case_happened *h)
{
    struct update u = {.edit = edit,
                       .expect = &c->expect,
                       .happened = h,
                       .node = yaml_find(node, "expect"),
                       .json = expects_json(&c->expect)};
    if (!u.node) {
        add_expect(edit, node, h);
        return;
    }
    update_result(&u);
    update_publishes(&u, &h->outputs);
    update_reply(&u);
    update_logs(&u);
}

static void update_cases(struct yaml_edit *edit, const struct case_file *file,
                         struct case_happened *const *happened, bool *changes)
{
    const struct yaml_node *node;
    size_t i = 0;
    STAILQ_FOREACH (node, &yaml_find(edit->tree->root, "cases")->children, next) {
        size_t before = edit->count;
        CHECK(i < file->count); /* the same text */
        if (happened[i])
            update_case(edit, node, &file->cases[i], happened[i]);
        changes[i++] = edit->count > before;
    }
}

/* With the byte order mark that the old text has. */
static char *with_mark(struct slice old, const struct yaml_tree *tree, char *text, size_t *len)
{
    size_t mark = old.len - tree->text.len;
    if (mark == 0)
        return text;
    char *all = must_alloc(mark + *len + 1);
    memcpy(all, old.data, mark);
    memcpy(all + mark, text, *len + 1);
    *len += mark;
    free(text);
    return all;
}

int case_update(const struct case_file *file, struct slice text, struct case_happened *const *happened,
                struct case_updated *ret_updated)
{
    struct yaml_tree tree;
    struct diags diags = {0};
    struct case_updated now = {.changes = must_alloc((file->count + 1) * sizeof(bool))};
    CHECK(yaml_tree_parse(file->path, text, &tree, &diags) == 0); /* it was read before */
    struct yaml_edit edit = yaml_edit_start(&tree);
    update_cases(&edit, file, happened, now.changes);
    now.text = yaml_edit_apply(&edit, &now.len);
    bool sound = now.text && case_same_but_expect(&tree, slice_make(now.text, now.len), now.changes);
    if (sound)
        now.text = with_mark(text, &tree, now.text, &now.len);
    yaml_edit_finish(&edit);
    yaml_tree_finish(&tree);
    diags_finish(&diags);
    if (sound)
        *ret_updated = now;
    else
        case_updated_finish(&now);
    return sound ? 0 : -EINVAL;
}

void case_updated_finish(struct case_updated *u)
{
    free(u->text);
    free(u->changes);
}

#include "manifest/manifest_keys.h"

#include "manifest/units.h"
#include "shared/topic.h"

#include <inttypes.h>

static bool good(const struct yaml_node *node)
{
    return !node || !node->refused;
}

/* The first that was written, for a complaint about two. */
static struct yaml_node *either(struct yaml_node *a, struct yaml_node *b)
{
    return a ? a : b;
}

static const char *if_default(const struct yaml_node *node)
{
    return node ? "" : " (the default)";
}

static void check_instances(struct key_loader *loader, const struct manifest *m)
{
    struct yaml_node *instances = yaml_find(loader->tree->root, "instances");
    struct yaml_node *min = yaml_find(instances, "min"), *max = yaml_find(instances, "max");

    if (good(min) && good(max) && m->instances_min > m->instances_max)
        keys_complain(loader, either(min, max),
                      "instances.min is %" PRIu32 ", more than instances.max, %" PRIu32
                      "%s: lower min, or write max: %" PRIu32,
                      m->instances_min, m->instances_max, if_default(max), m->instances_min);
}

static void check_backoff(struct key_loader *loader, const struct manifest *m)
{
    struct yaml_node *retry = yaml_find(loader->tree->root, "retry");
    struct yaml_node *first = yaml_find(retry, "backoff"), *max = yaml_find(retry, "max_backoff");
    char first_text[UNITS_TEXT_MAX], max_text[UNITS_TEXT_MAX];

    if (!good(first) || !good(max) || m->retry_backoff_ns <= m->retry_max_backoff_ns)
        return;
    units_format_duration(m->retry_backoff_ns, first_text);
    units_format_duration(m->retry_max_backoff_ns, max_text);
    keys_complain(loader, either(max, first),
                  "retry.max_backoff is %s%s, less than retry.backoff, %s%s: write max_backoff: %s or more",
                  max_text, if_default(max), first_text, if_default(first), first_text);
}

/* ---- one trigger ---- */

static void check_share(struct key_loader *loader, const struct manifest_trigger *t,
                        const struct yaml_node *item)
{
    struct yaml_node *share = yaml_find(item, "share"), *retained = yaml_find(item, "retained");

    if (!t->share)
        return;
    if (retained && good(retained) && t->retained)
        keys_complain(loader, retained,
                      "triggers[].retained: brokers send no retained messages to a shared subscription "
                      "(MQTT 5, 4.8.2): leave it out, or write skip");
    if (t->topic && strlen("$share//") + strlen(t->share) + strlen(t->topic) > TOPIC_MAX)
        keys_complain(loader, share, "triggers[].share: name and topic together are longer than %d bytes",
                      TOPIC_MAX);
}

/* Keys that say nothing about a trigger of that kind. */
static void check_kind(struct key_loader *loader, const struct yaml_node *item)
{
    static const char *const of_topics[] = {"qos", "retained", "share"};
    bool is_topic = yaml_find(item, "topic"), is_cron = yaml_find(item, "cron");
    bool is_timer = is_cron || yaml_find(item, "every");
    struct yaml_node *timezone = yaml_find(item, "timezone");

    for (size_t i = 0; i < sizeof of_topics / sizeof *of_topics && is_timer && !is_topic; i++) {
        struct yaml_node *value = yaml_find(item, of_topics[i]);
        if (value && good(value))
            keys_complain(loader, value->key, "triggers[].%s: a timer has no subscription: leave it out",
                          of_topics[i]);
    }
    if (timezone && good(timezone) && !is_cron)
        keys_complain(loader, timezone->key,
                      "triggers[].timezone: only cron goes by a clock on the wall: leave it out");
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_timer(const struct manifest_trigger *a, const struct manifest_trigger *b)
{
    return (a->every_ns || a->cron_text) && a->every_ns == b->every_ns &&
           same_text(a->cron_text, b->cron_text) && same_text(a->timezone, b->timezone);
}

static void check_twins(struct key_loader *loader, const struct manifest *m, size_t index,
                        struct yaml_node *item)
{
    for (size_t i = 0; i < index; i++) {
        if (!same_timer(&m->triggers[i], &m->triggers[index]))
            continue;
        keys_complain(loader, item, "triggers: the same timer as trigger %zu: leave one of them out", i + 1);
        return;
    }
}

/* The list's items are the manifest's triggers, one for one. */
static void check_triggers(struct key_loader *loader, const struct manifest *m)
{
    struct yaml_node *triggers = yaml_find(loader->tree->root, "triggers"), *item;
    size_t i = 0;

    if (!triggers || m->trigger_count != triggers->child_count)
        return;
    STAILQ_FOREACH (item, &triggers->children, next) {
        check_kind(loader, item);
        check_share(loader, &m->triggers[i], item);
        check_twins(loader, m, i, item);
        i++;
    }
}

/* Were all triggers read? Else nobody knows what they capture. */
static bool triggers_known(const struct manifest *m)
{
    for (size_t i = 0; i < m->trigger_count; i++) {
        const struct manifest_trigger *t = &m->triggers[i];
        if (!t->topic && !t->every_ns && !t->cron_text)
            return false;
    }
    return m->trigger_count > 0;
}

static bool captures(const struct manifest_trigger *trigger, struct slice name)
{
    return trigger->topic && topic_pattern_has_name(slice_of(trigger->topic), name);
}

static bool any_captures(const struct manifest *m, struct slice name)
{
    for (size_t i = 0; i < m->trigger_count; i++) {
        if (captures(&m->triggers[i], name))
            return true;
    }
    return false;
}

static void check_order(struct key_loader *loader, const struct manifest *m)
{
    struct yaml_node *order = yaml_find(loader->tree->root, "order");

    if (!order || !good(order) || m->order != ORDER_CAPTURE)
        return;
    for (size_t i = 0; i < m->trigger_count; i++) {
        if (!m->triggers[i].topic || captures(&m->triggers[i], slice_of(m->order_capture)))
            continue;
        keys_complain(loader, order,
                      "order: trigger %zu, '%.80s', has no level {%s}: give it one, or write order: topic",
                      i + 1, m->triggers[i].topic, m->order_capture);
        return;
    }
    if (!any_captures(m, slice_of(m->order_capture)))
        keys_complain(loader, order, "order: a timer has no level {%s}: write order: topic",
                      m->order_capture);
}

/* Complains about every {name} of one pattern that no trigger has. */
static void check_names(struct key_loader *loader, const struct manifest *m, struct yaml_node *item)
{
    const char *text = item->text.data;

    for (const char *open = strstr(text, "{"); open; open = strstr(open + 1, "{")) {
        const char *close = strchr(open, '}');
        if (!close) /* no name: the pattern was refused */
            return;
        struct slice name = slice_make(open + 1, (size_t)(close - open) - 1);
        if (any_captures(m, name))
            continue;
        item->refused = true;
        diags_add(loader->diags, loader->tree->file, item->line,
                  yaml_column_in(loader->tree, item, (size_t)(open - text)),
                  "publishes: no trigger captures {%.*s}: write + for any level, or write {%.*s} in a "
                  "trigger's topic",
                  SLICE_ARG(name), SLICE_ARG(name));
    }
}

static void check_publishes(struct key_loader *loader, const struct manifest *m)
{
    struct yaml_node *publishes = yaml_find(loader->tree->root, "publishes"), *item;

    if (!publishes || publishes->refused)
        return;
    STAILQ_FOREACH (item, &publishes->children, next) {
        if (item->kind == YAML_TEXT && !item->refused)
            check_names(loader, m, item);
    }
}

void manifest_check(struct key_loader *loader, const struct manifest *m)
{
    check_instances(loader, m);
    check_backoff(loader, m);
    check_triggers(loader, m);
    manifest_check_sandbox(loader, m);
    if (triggers_known(m)) {
        check_order(loader, m);
        check_publishes(loader, m);
    }
}

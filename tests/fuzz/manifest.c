/* manifest.c: any bytes as a manifest and as hark.yaml: refused with words at a place in the text, or
 * accepted with all that the headers promise. */
#include "fuzz.h"

#include "manifest/manifest.h"
#include "manifest/node_config.h"
#include "shared/topic.h"

#include <errno.h>

static unsigned count_lines(struct slice text)
{
    unsigned lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n' || text.data[i] == '\r';
    return lines;
}

static void check_refusal(int r, const struct diags *diags, struct slice text)
{
    CHECK(r == -EINVAL && diags->count > 0);
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        CHECK(d->text[0] && strcmp(d->file, "f.yaml") == 0);
        CHECK(d->line <= count_lines(text) && d->column <= text.len + 1);
        CHECK(i == 0 || diags->items[i - 1].line <= d->line);
    }
}

static void check_triggers(const struct manifest *m)
{
    struct diag diag;
    CHECK(m->trigger_count >= 1 && m->trigger_count <= MANIFEST_TRIGGERS_MAX);
    for (size_t i = 0; i < m->trigger_count; i++) {
        const struct manifest_trigger *t = &m->triggers[i];
        CHECK(!t->topic == (t->timer != NULL)); /* one of the two */
        if (t->timer)
            continue;
        CHECK(t->qos <= 2 && topic_pattern_check(slice_of(t->topic), &diag) == 0);
        CHECK(m->order != ORDER_CAPTURE ||
              topic_pattern_has_name(slice_of(t->topic), slice_of(m->order_capture)));
    }
}

static void check_texts(const struct manifest *m)
{
    struct diag diag;
    CHECK(m->function[0] && strlen(m->function) <= MANIFEST_NAME_MAX && m->handler[0]);
    CHECK(!m->dead_letter || topic_name_valid(slice_of(m->dead_letter)));
    CHECK(m->publish_count <= MANIFEST_PUBLISHES_MAX && m->config_count <= MANIFEST_CONFIG_MAX);
    for (size_t i = 0; i < m->publish_count; i++)
        CHECK(topic_pattern_check(slice_of(m->publishes[i]), &diag) == 0);
    for (size_t i = 0; i < m->config_count; i++)
        CHECK(m->config[i].key[0] && m->config[i].value);
}

static void check_numbers(const struct manifest *m)
{
    CHECK(m->instances_min <= m->instances_max && m->instances_max >= 1);
    CHECK(m->instances_max <= MANIFEST_INSTANCES_MAX && m->timeout_ns > 0);
    CHECK(m->retry_backoff_ns <= m->retry_max_backoff_ns && m->retry_attempts >= 1);
    CHECK(m->limit_payload_bytes >= 1 && m->limit_queue >= 1 && m->limit_queue <= 65535);
}

static void parse_manifest(struct slice text)
{
    struct manifest *m = NULL;
    struct diags diags = {0};
    int r = manifest_parse("f.yaml", text, &m, &diags);
    if (r < 0) {
        check_refusal(r, &diags, text);
    } else {
        CHECK(diags.count == 0);
        check_triggers(m);
        check_texts(m);
        check_numbers(m);
        manifest_free(m);
    }
    diags_finish(&diags);
}

static void check_brokers(const struct node_config *config)
{
    CHECK(config->broker_count <= NODE_BROKERS_MAX);
    for (size_t i = 0; i < config->broker_count; i++) {
        const struct node_broker *b = &config->brokers[i];
        CHECK(node_config_broker(config, b->name) == b && b->url && b->line >= 1 && b->column >= 1);
        CHECK(b->keep_alive_s == 0 || (b->keep_alive_s >= 5 && b->keep_alive_s <= 65535));
    }
    CHECK(!config->broker || strstr(config->broker, "://") || node_config_broker(config, config->broker));
}

static void parse_node_config(struct slice text)
{
    struct node_config *config = NULL;
    struct diags diags = {0};
    int r = node_config_parse("f.yaml", text, &config, &diags);
    if (r < 0) {
        check_refusal(r, &diags, text);
    } else {
        CHECK(diags.count == 0);
        check_brokers(config);
        node_config_free(config);
    }
    diags_finish(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(size ? (const void *)data : "", size);
    parse_manifest(text);
    parse_node_config(text);
    return 0;
}

#include "cli/case_write.h"

#include "shared/base64.h"
#include "shared/check.h"
#include "shared/utf8.h"

#include <stdlib.h>

enum { JSON_DEPTH_MAX = 10 }; /* YAML_DEPTH_MAX, less what is around it */

const char *const case_payload_keys[] = {"payload", "payload_base64", "payload_json"};

/* ---- payloads ---- */

bool case_can_write(struct slice text)
{
    return text.data && utf8_valid(text);
}

static int depth_of(const json_t *value)
{
    int deepest = 0;
    size_t i;
    const char *key;
    json_t *child;
    if (!json_is_array(value) && !json_is_object(value))
        return 0;
    json_array_foreach((json_t *)value, i, child)
    {
        int depth = depth_of(child);
        deepest = depth > deepest ? depth : deepest;
    }
    json_object_foreach((json_t *)value, key, child)
    {
        int depth = depth_of(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static json_t *read_json(struct slice payload)
{
    json_t *value = json_loadb(payload.data, payload.len, JSON_DECODE_ANY, NULL);
    if (!value || depth_of(value) <= JSON_DEPTH_MAX)
        return value;
    json_decref(value);
    return NULL;
}

/* Of a message that nobody expected: a number or a word is rather a text. */
static bool is_json_to_be(struct slice payload)
{
    json_t *value = read_json(payload);
    bool is = json_is_object(value) || json_is_array(value);
    json_decref(value);
    return is;
}

static enum case_payload_kind kind_of(bool json, bool base64, struct slice payload)
{
    json_t *value = json ? read_json(payload) : NULL;
    json_decref(value);
    if (value)
        return CASE_PAYLOAD_JSON;
    return base64 || !utf8_valid(payload) ? CASE_PAYLOAD_BASE64 : CASE_PAYLOAD_TEXT;
}

enum case_payload_kind case_payload_kind(const struct case_payload *expected, struct slice payload)
{
    return kind_of(expected->json != NULL, expected->base64 != NULL, payload);
}

/* ---- values ---- */

struct text {
    FILE *f;
    char *text;
    size_t len;
};

/* The storage must not move until text_end. */
static FILE *text_begin(struct text *t)
{
    t->f = open_memstream(&t->text, &t->len);
    CHECK(t->f);
    return t->f;
}

static char *text_end(struct text *t)
{
    CHECK(fclose(t->f) == 0);
    return t->text;
}

char *case_write_text(struct slice text, enum yaml_quotes quotes)
{
    struct text t;
    yaml_write_text(text_begin(&t), text, quotes);
    return text_end(&t);
}

static void put_payload(FILE *f, enum case_payload_kind kind, struct slice payload, enum yaml_quotes quotes)
{
    if (kind == CASE_PAYLOAD_JSON) {
        json_t *value = read_json(payload);
        CHECK(value); /* as kind_of saw */
        yaml_write_json(f, value);
        json_decref(value);
    } else if (kind == CASE_PAYLOAD_BASE64) {
        char *base64 = must_alloc(BASE64_SIZE(payload.len));
        base64_encode(payload, base64);
        yaml_write_text(f, slice_of(base64), YAML_QUOTES_DOUBLE);
        free(base64);
    } else {
        yaml_write_text(f, payload, quotes);
    }
}

char *case_write_payload(enum case_payload_kind kind, struct slice payload, enum yaml_quotes quotes)
{
    struct text t;
    put_payload(text_begin(&t), kind, payload, quotes);
    return text_end(&t);
}

/* ---- messages ---- */

/* A map in brackets, pair by pair. */
struct map {
    FILE *f;
    const struct case_message *like; /* NULL: all that is not as usual */
    bool any;
};

static FILE *begin_pair(struct map *m, const char *key)
{
    fprintf(m->f, "%s%s: ", m->any ? ", " : "{ ", key);
    m->any = true;
    return m->f;
}

static void put_text(struct map *m, const char *key, struct slice text, const char *liked,
                     enum yaml_quotes quotes)
{
    if (case_can_write(text) && (!m->like || liked))
        yaml_write_text(begin_pair(m, key), text, quotes);
}

static bool is_known(const struct mqtt_publish *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (slice_equal(p->properties[i].key, p->properties[n].key))
            return true;
    }
    return false;
}

/* A name that comes twice has its first value: keys of YAML come once. */
static void put_properties(struct map *m, const struct mqtt_publish *p)
{
    const char *before = "{ ";
    for (uint32_t i = 0; i < p->property_count; i++) {
        struct slice key = p->properties[i].key, value = p->properties[i].value;
        if (key.len == 0 || key.len > UINT8_MAX || is_known(p, i) || !case_can_write(value))
            continue;
        if (*before == '{')
            begin_pair(m, "properties");
        fputs(before, m->f);
        yaml_write_text(m->f, key, YAML_QUOTES_NONE);
        fputs(": ", m->f);
        yaml_write_text(m->f, value, YAML_QUOTES_DOUBLE);
        before = ", ";
    }
    if (*before == ',')
        fputs(" }", m->f);
}

static bool has_payload(const struct case_payload *p)
{
    return p->text || p->base64 || p->json || p->matches;
}

/* All but the topic. */
static void put_rest(struct map *m, const struct mqtt_publish *p, bool json)
{
    const struct case_message *like = m->like;
    if (!like || has_payload(&like->payload)) {
        enum case_payload_kind kind = like ? case_payload_kind(&like->payload, p->payload)
                                           : kind_of(json && is_json_to_be(p->payload), false, p->payload);
        put_payload(begin_pair(m, case_payload_keys[kind]), kind, p->payload, YAML_QUOTES_DOUBLE);
    }
    if (like ? like->qos != CASE_ANY_QOS : p->qos != 1)
        fprintf(begin_pair(m, "qos"), "%u", p->qos);
    if (like ? like->retained != CASE_ANY_RETAINED : p->retain)
        fputs(p->retain ? "true" : "false", begin_pair(m, "retained"));
    put_text(m, "content_type", p->content_type, like ? like->content_type : "", YAML_QUOTES_NONE);
    put_text(m, "response_topic", p->response_topic, like ? like->response_topic : "", YAML_QUOTES_NONE);
    put_text(m, "correlation", p->correlation, like ? like->correlation : "", YAML_QUOTES_DOUBLE);
    if (!like || like->property_count > 0)
        put_properties(m, p);
    if (p->has_expiry && p->expiry_s > 0 && p->expiry_s < UINT32_MAX &&
        (!like || like->expiry_s != CASE_ANY_EXPIRY))
        fprintf(begin_pair(m, "expiry"), "%us", p->expiry_s);
}

char *case_write_message(const struct mqtt_publish *p, const struct case_message *like, bool json)
{
    struct text t;
    struct map m = {.f = text_begin(&t), .like = like};
    put_text(&m, "topic", p->topic, like ? like->topic : "", YAML_QUOTES_NONE);
    put_rest(&m, p, json);
    fputs(m.any ? " }" : "{}", m.f);
    return text_end(&t);
}

/* What is usual in a reply comes from the question: its QoS, its correlation data. */
char *case_write_reply(const struct mqtt_publish *p, const struct case_message *like, bool json)
{
    struct text t;
    struct map m = {.f = text_begin(&t), .like = like};
    const struct mqtt_publish usual = {.payload = p->payload, .qos = 1};
    put_rest(&m, like ? p : &usual, json);
    fputs(m.any ? " }" : "{}", m.f);
    return text_end(&t);
}

/* hark/testing_detail.h: the inside of hark/testing.h, which includes it: what stands in the worker's place.
 * Nothing here is for tests to use. */
#ifndef HARK_TESTING_DETAIL_H
#define HARK_TESTING_DETAIL_H

#include <hark/function.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HARK_TEST_PATTERNS_MAX = 256, /* of triggers, and of publishes */
    HARK_TEST_CAPTURES_MAX = 16,
    HARK_TEST_LOG_MAX = 4000, /* bytes of a line */
    HARK_TEST_PROPERTIES_MAX = 64,
    HARK_TEST_STRING_MAX = 65535,      /* bytes of an MQTT string */
    HARK_TEST_BESIDE_MAX = 1024 * 1024 /* bytes that an output may have beside `limits.payload` */
};

struct hark_test_pair {
    char *key, *value;
};

struct hark_test {
    struct hark_context context; /* first: what the function is given points here */
    const struct hark_function *function;
    char *triggers[HARK_TEST_PATTERNS_MAX];
    char *publishes[HARK_TEST_PATTERNS_MAX];
    size_t trigger_count, publishes_count;
    struct hark_test_pair *config;
    size_t config_count;
    size_t payload_max, publishes_max; /* hark_test_limits */
    uint32_t attempt;                  /* of the messages to come; 1 unless set */
    int64_t budget_ns;                 /* what hark_budget_ns() says; 10 s unless set */
    /* While the handler runs. */
    const struct hark_message *in;
    struct hark_test_pair captures[HARK_TEST_CAPTURES_MAX];
    size_t capture_count;
    /* What came of the last message. */
    struct hark_message *published; /* deep copies */
    size_t published_count;
    struct hark_message *reply; /* the last; NULL: none */
    size_t reply_count;
    char **logs; /* of all calls since hark_test_clear_log */
    size_t log_count;
};

/* ---- memory ---- */

static inline void *hark_test_alloc_(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        abort();
    return memory;
}

static inline void *hark_test_grow_(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (!memory)
        abort();
    return memory;
}

/* len bytes and a NUL that is not counted; NULL stays NULL. */
static inline char *hark_test_copy_(const void *bytes, size_t len)
{
    char *copy;
    if (!bytes)
        return NULL;
    copy = (char *)hark_test_alloc_(len + 1);
    memcpy(copy, bytes, len);
    return copy;
}

static inline char *hark_test_text_(const char *text)
{
    return text ? hark_test_copy_(text, strlen(text)) : NULL;
}

static inline void hark_test_message_free_(struct hark_message *m)
{
    size_t i;
    free((void *)m->topic);
    free((void *)m->payload);
    free((void *)m->content_type);
    free((void *)m->response_topic);
    free((void *)m->correlation);
    for (i = 0; i < m->property_count; i++) {
        free((void *)m->properties[i].key);
        free((void *)m->properties[i].value);
    }
    free((void *)m->properties);
}

static inline void hark_test_message_copy_(struct hark_message *to, const struct hark_message *from)
{
    size_t i;
    *to = *from;
    to->topic = hark_test_text_(from->topic);
    to->payload = hark_test_copy_(from->payload ? from->payload : "", from->payload_len);
    to->content_type = hark_test_text_(from->content_type);
    to->response_topic = hark_test_text_(from->response_topic);
    to->correlation = hark_test_copy_(from->correlation, from->correlation_len);
    to->properties = NULL;
    if (from->property_count) {
        struct hark_property *list =
            (struct hark_property *)hark_test_alloc_(from->property_count * sizeof *list);
        for (i = 0; i < from->property_count; i++) {
            list[i].key = hark_test_text_(from->properties[i].key);
            list[i].value = hark_test_text_(from->properties[i].value);
        }
        to->properties = list;
    }
}

/* Properties that begin with hark- are hark's own, which leaves them out of what a function publishes. */
static inline void hark_test_drop_reserved_(struct hark_message *m)
{
    struct hark_property *list = (struct hark_property *)m->properties;
    size_t i, kept = 0;
    for (i = 0; i < m->property_count; i++) {
        if (strncmp(list[i].key, "hark-", 5) == 0) {
            free((void *)list[i].key);
            free((void *)list[i].value);
        } else {
            list[kept++] = list[i];
        }
    }
    m->property_count = kept;
}

/* ---- topics ---- */

static inline size_t hark_test_level_(const char *text)
{
    return strcspn(text, "/");
}

static inline const char *hark_test_capture_(const struct hark_test *t, const char *name, size_t len)
{
    size_t i;
    for (i = 0; i < t->capture_count; i++) {
        if (strlen(t->captures[i].key) == len && memcmp(t->captures[i].key, name, len) == 0)
            return t->captures[i].value;
    }
    return NULL;
}

/* One level of a pattern. captures: those of the message; a {name} that is among them has to be it. */
static inline bool hark_test_level_matches_(const struct hark_test *t, const char *pattern,
                                            size_t pattern_len, const char *topic, size_t len)
{
    const char *value;
    if (pattern_len == 1 && pattern[0] == '+')
        return true;
    if (pattern_len < 3 || pattern[0] != '{' || pattern[pattern_len - 1] != '}')
        return pattern_len == len && memcmp(pattern, topic, len) == 0;
    value = hark_test_capture_(t, pattern + 1, pattern_len - 2);
    return !value || (strlen(value) == len && memcmp(value, topic, len) == 0);
}

static inline bool hark_test_matches_(const struct hark_test *t, const char *pattern, const char *topic)
{
    if (topic[0] == '$' && strchr("+#{", pattern[0]))
        return false; /* MQTT-4.7.2-1 */
    for (;;) {
        size_t pattern_len = hark_test_level_(pattern), len = hark_test_level_(topic);
        if (pattern_len == 1 && pattern[0] == '#')
            return true;
        if (!hark_test_level_matches_(t, pattern, pattern_len, topic, len))
            return false;
        pattern += pattern_len;
        topic += len;
        if (!*topic)
            return !*pattern || strcmp(pattern, "/#") == 0;
        if (!*pattern)
            return false;
        pattern++;
        topic++;
    }
}

static inline void hark_test_forget_captures_(struct hark_test *t)
{
    while (t->capture_count > 0) {
        t->capture_count--;
        free(t->captures[t->capture_count].key);
        free(t->captures[t->capture_count].value);
    }
}

/* The pattern matches the topic: what its {names} stand for. */
static inline void hark_test_take_captures_(struct hark_test *t, const char *pattern, const char *topic)
{
    while (*pattern) {
        size_t pattern_len = hark_test_level_(pattern), len = hark_test_level_(topic);
        if (pattern_len > 2 && pattern[0] == '{' && t->capture_count < HARK_TEST_CAPTURES_MAX) {
            t->captures[t->capture_count].key = hark_test_copy_(pattern + 1, pattern_len - 2);
            t->captures[t->capture_count].value = hark_test_copy_(topic, len);
            t->capture_count++;
        }
        pattern += pattern_len + (pattern[pattern_len] == '/');
        topic += len + (topic[len] == '/');
    }
}

/* What makes brokers end the connection, at the first byte of a character that is well-formed. */
static inline bool hark_test_is_odd_(const unsigned char *s)
{
    if (*s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0))
        return true; /* control characters */
    if (*s == 0xef && s[1] == 0xb7)
        return s[2] >= 0x90 && s[2] <= 0xaf; /* noncharacters, U+FDD0 to U+FDEF, U+FFFE, U+1FFFE, ... */
    if (*s == 0xef && s[1] == 0xbf)
        return s[2] >= 0xbe;
    return *s >= 0xf0 && (s[1] & 0x0f) == 0x0f && s[2] == 0xbf && s[3] >= 0xbe;
}

/* UTF-8 of at most 65,535 bytes (MQTT-1.5.4): no overlong form, no surrogate, nothing above U+10FFFF. */
static inline bool hark_test_string_ok_(const char *text)
{
    const unsigned char *s = (const unsigned char *)text, *first;
    if (strlen(text) > HARK_TEST_STRING_MAX)
        return false;
    while (*s) {
        int more = *s < 0x80 ? 0 : *s >= 0xf5 ? -1 : *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc2 ? 1 : -1;
        if (more < 0 || (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
            (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
            return false;
        first = s;
        for (s++; more > 0; more--, s++) {
            if ((*s & 0xc0) != 0x80)
                return false;
        }
        if (hark_test_is_odd_(first))
            return false;
    }
    return true;
}

static inline bool hark_test_topic_ok_(const char *topic)
{
    return topic && *topic && !strpbrk(topic, "+#") && hark_test_string_ok_(topic);
}

/* ---- what the function calls ---- */

static inline struct hark_test *hark_test_of_(struct hark_context *ctx)
{
    return (struct hark_test *)(void *)ctx;
}

static inline bool hark_test_message_ok_(const struct hark_message *m)
{
    size_t i;
    if (m->qos > 2 || (!m->payload && m->payload_len) || (!m->correlation && m->correlation_len) ||
        m->correlation_len > HARK_TEST_STRING_MAX || m->property_count > HARK_TEST_PROPERTIES_MAX ||
        (m->property_count && !m->properties) ||
        (m->content_type && !hark_test_string_ok_(m->content_type)) ||
        (m->response_topic && !hark_test_topic_ok_(m->response_topic)))
        return false;
    for (i = 0; i < m->property_count; i++) {
        if (!m->properties[i].key || !m->properties[i].value || !hark_test_string_ok_(m->properties[i].key) ||
            !hark_test_string_ok_(m->properties[i].value))
            return false;
    }
    return true;
}

static inline bool hark_test_may_publish_(const struct hark_test *t, const char *topic)
{
    size_t i;
    for (i = 0; i < t->publishes_count; i++) {
        if (hark_test_matches_(t, t->publishes[i], topic))
            return true;
    }
    return t->publishes_count == 0;
}

static inline size_t hark_test_outputs_(const struct hark_test *t)
{
    return t->published_count + t->reply_count;
}

/* All that is no payload, nearly. */
static inline size_t hark_test_beside_(const struct hark_message *m)
{
    size_t i, bytes = strlen(m->topic) + m->correlation_len;
    bytes += m->content_type ? strlen(m->content_type) : 0;
    bytes += m->response_topic ? strlen(m->response_topic) : 0;
    for (i = 0; i < m->property_count; i++)
        bytes += strlen(m->properties[i].key) + strlen(m->properties[i].value);
    return bytes;
}

static inline int hark_test_publish_message_(struct hark_context *ctx, const struct hark_message *m)
{
    struct hark_test *t = hark_test_of_(ctx);
    if (!t->in)
        return -EPERM;
    if (!hark_test_topic_ok_(m->topic))
        return -EINVAL;
    if (!hark_test_may_publish_(t, m->topic))
        return -EACCES;
    if (!hark_test_message_ok_(m))
        return -EINVAL;
    if (m->payload_len > t->payload_max)
        return -EMSGSIZE;
    if (hark_test_outputs_(t) >= t->publishes_max)
        return -ENOBUFS;
    if (m->payload_len + hark_test_beside_(m) > t->payload_max + HARK_TEST_BESIDE_MAX)
        return -EMSGSIZE;
    t->published =
        (struct hark_message *)hark_test_grow_(t->published, (t->published_count + 1) * sizeof *t->published);
    hark_test_message_copy_(&t->published[t->published_count], m);
    hark_test_drop_reserved_(&t->published[t->published_count++]);
    return 0;
}

static inline int hark_test_publish_(struct hark_context *ctx, const char *topic, const void *data,
                                     size_t len)
{
    struct hark_message m;
    memset(&m, 0, sizeof m);
    m.topic = topic;
    m.payload = data;
    m.payload_len = len;
    m.qos = 1;
    return hark_test_publish_message_(ctx, &m);
}

static inline void hark_test_drop_reply_(struct hark_test *t)
{
    if (t->reply)
        hark_test_message_free_(t->reply);
    free(t->reply);
    t->reply = NULL;
}

static inline int hark_test_reply_(struct hark_context *ctx, const void *data, size_t len)
{
    struct hark_test *t = hark_test_of_(ctx);
    struct hark_message m;
    if (!t->in)
        return -EPERM;
    if (!t->in->response_topic)
        return -EDESTADDRREQ;
    if (!data && len)
        return -EINVAL;
    if (len > t->payload_max)
        return -EMSGSIZE;
    if (hark_test_outputs_(t) >= t->publishes_max)
        return -ENOBUFS;
    memset(&m, 0, sizeof m);
    m.topic = t->in->response_topic;
    m.payload = data;
    m.payload_len = len;
    m.qos = t->in->qos;
    m.correlation = t->in->correlation;
    m.correlation_len = t->in->correlation_len;
    hark_test_drop_reply_(t);
    t->reply = (struct hark_message *)hark_test_alloc_(sizeof *t->reply);
    hark_test_message_copy_(t->reply, &m);
    t->reply_count++;
    return 0;
}

static inline const char *hark_test_get_capture_(struct hark_context *ctx, const char *name)
{
    struct hark_test *t = hark_test_of_(ctx);
    return t->in ? hark_test_capture_(t, name, strlen(name)) : NULL;
}

static inline const char *hark_test_get_config_(struct hark_context *ctx, const char *key)
{
    struct hark_test *t = hark_test_of_(ctx);
    size_t i;
    for (i = 0; i < t->config_count; i++) {
        if (strcmp(t->config[i].key, key) == 0)
            return t->config[i].value;
    }
    return NULL;
}

HARK_PRINTF(3, 0)
static inline void hark_test_logv_(struct hark_context *ctx, int level, const char *format, va_list args)
{
    struct hark_test *t = hark_test_of_(ctx);
    char line[HARK_TEST_LOG_MAX + 1];
    (void)level;
    vsnprintf(line, sizeof line, format, args);
    t->logs = (char **)hark_test_grow_(t->logs, (t->log_count + 1) * sizeof *t->logs);
    t->logs[t->log_count++] = hark_test_text_(line);
}

static inline uint32_t hark_test_get_attempt_(struct hark_context *ctx)
{
    struct hark_test *t = hark_test_of_(ctx);
    return t->in ? t->attempt : 0;
}

static inline int64_t hark_test_get_budget_(struct hark_context *ctx)
{
    struct hark_test *t = hark_test_of_(ctx);
    return t->in ? t->budget_ns : 0;
}

#ifdef __cplusplus
}
#endif

#endif

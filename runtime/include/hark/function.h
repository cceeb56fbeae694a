/* hark/function.h: all that the author of a function sees.
 *
 * A function is a shared object that exports one constant, `hark_function`, made by HARK_FUNCTION(...). There
 * is no library to link: every call goes through a table that the worker hands in with the context. C11 and
 * C++20 (C++11 and later as GNU C++).
 *
 *     static int handle(struct hark_context *ctx, const struct hark_message *in)
 *     {
 *         return hark_reply(ctx, in->payload, in->payload_len);
 *     }
 *     HARK_FUNCTION(.handle = handle);
 *
 * One message at a time runs in a worker process; globals survive between the messages of a warm worker and
 * are not shared between workers. What an invocation publishes is held back until it returns HARK_OK, then
 * released as a whole; after any other end nothing of it is published. */
#ifndef HARK_FUNCTION_H
#define HARK_FUNCTION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of everything below. A worker refuses a function of another one. */
#define HARK_ABI 1u

/* What handle() returns. Any other value counts as HARK_RETRY. A negative errno from hark_publish() may be
 * returned as it is, and so is a retry. */
enum hark_result {
    HARK_OK = 0,    /* done: release the outputs, then acknowledge the message */
    HARK_RETRY = 1, /* try again later, as the manifest's `retry` says; then dead-letter */
    HARK_REJECT = 2 /* never retry: dead-letter now */
};

enum hark_log_level { HARK_DEBUG = 0, HARK_INFO = 1, HARK_WARN = 2, HARK_ERROR = 3 };

/* An MQTT user property: two NUL-terminated UTF-8 strings. */
struct hark_property {
    const char *key;
    const char *value;
};

/* A message, in or out. Everything it points to is borrowed: on the way in it is dead once handle() returns,
 * on the way out it is copied before hark_publish_message() returns. */
struct hark_message {
    const char *topic;          /* NUL-terminated. NULL on the way in: a timer event */
    const void *payload;        /* followed by a NUL that is not counted; never NULL on the way in */
    size_t payload_len;         /* bytes */
    uint8_t qos;                /* 0, 1, 2 */
    bool retained;              /* in: the broker kept it from before the subscription. out: keep it */
    const char *content_type;   /* MQTT 5; NULL: not given */
    const char *response_topic; /* MQTT 5; NULL: nobody asked for a reply */
    const void *correlation;    /* MQTT 5; NULL: none */
    size_t correlation_len;     /* bytes */
    const struct hark_property *properties; /* MQTT 5, in the sender's order; at most 64 */
    size_t property_count;
    uint32_t expiry_s; /* seconds until the message is worthless; 0: never */
};

struct hark_context;

/* The worker's side of the calls below. Only ever grows at its end. */
struct hark_calls {
    int (*publish)(struct hark_context *ctx, const char *topic, const void *data, size_t len);
    int (*publish_message)(struct hark_context *ctx, const struct hark_message *message);
    int (*reply)(struct hark_context *ctx, const void *data, size_t len);
    const char *(*capture)(struct hark_context *ctx, const char *name);
    const char *(*config)(struct hark_context *ctx, const char *key);
    void (*logv)(struct hark_context *ctx, int level, const char *format, va_list args);
    uint32_t (*attempt)(struct hark_context *ctx);
    int64_t (*budget_ns)(struct hark_context *ctx);
};

struct hark_context {
    const struct hark_calls *calls; /* the worker's; do not touch */
    void *user;                     /* the function's own, kept between calls; NULL at first */
};

struct hark_function {
    uint32_t abi;  /* HARK_ABI. Read before anything else */
    uint32_t size; /* sizeof(struct hark_function) where the function was built */
    /* Optional: once per worker, before the first message. 0, or anything else: the worker cannot start. */
    int (*start)(struct hark_context *ctx);
    /* Once per message. */
    int (*handle)(struct hark_context *ctx, const struct hark_message *in);
    /* Optional: when the worker is put to rest; not after a crash or a timeout. */
    void (*stop)(struct hark_context *ctx);
};

#if defined(__GNUC__)
#define HARK_EXPORT       __attribute__((visibility("default")))
#define HARK_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define HARK_UNUSED       __attribute__((unused))
#else
#define HARK_EXPORT
#define HARK_PRINTF(f, a)
#define HARK_UNUSED
#endif

extern HARK_EXPORT const struct hark_function hark_function;

/* HARK_FUNCTION(.start = my_start, .handle = my_handle, .stop = my_stop); once, at file scope. */
#define HARK_FUNCTION(...)                                                                                   \
    const struct hark_function hark_function = {                                                             \
        .abi = HARK_ABI, .size = sizeof(struct hark_function), __VA_ARGS__}

/* Publishes len bytes to topic at QoS 1, not retained. 0, or
 *   -EACCES     the topic is not in the manifest's `publishes`
 *   -EINVAL     it is no topic name: empty, longer than 65,535 bytes, not UTF-8, or it has a wildcard or
 *               a control character (brokers end the connection for one)
 *   -EMSGSIZE   more bytes than `limits.payload`
 *   -ENOBUFS    more outputs than `limits.publishes` in this invocation
 *   -ENOMEM     the worker's memory is used up
 *   -EPERM      called outside handle(), or in a second thread after it returned */
static inline int hark_publish(struct hark_context *ctx, const char *topic, const void *data, size_t len)
{
    return ctx->calls->publish(ctx, topic, data, len);
}

/* The same with everything that MQTT 5 offers: QoS, retain, properties, expiry, content type, and a response
 * topic for a request of the function's own. -EINVAL also for a QoS above 2, more than 64 properties, or a
 * string that is not UTF-8; -EMSGSIZE also for more than 1 MiB beside the payload. */
static inline int hark_publish_message(struct hark_context *ctx, const struct hark_message *message)
{
    return ctx->calls->publish_message(ctx, message);
}

/* Answers a request: publishes to its response topic, at its QoS, with its correlation data. Needs no entry
 * in `publishes`. -EDESTADDRREQ: the message has no response topic; else as hark_publish. */
static inline int hark_reply(struct hark_context *ctx, const void *data, size_t len)
{
    return ctx->calls->reply(ctx, data, len);
}

/* The level of the topic that the trigger calls {name}; NULL when it has no such name. Borrowed until
 * handle() returns. */
static inline const char *hark_capture(struct hark_context *ctx, const char *name)
{
    return ctx->calls->capture(ctx, name);
}

/* A value of the manifest's `config`; NULL when it has no such key. Borrowed for the life of the worker. */
static inline const char *hark_config(struct hark_context *ctx, const char *key)
{
    return ctx->calls->config(ctx, key);
}

/* One line into hark's log, with the function's name. Cut at 4,000 bytes. Not part of the all-or-nothing: it
 * is written also when the invocation fails. */
HARK_PRINTF(3, 4)
HARK_UNUSED static void hark_log(struct hark_context *ctx, int level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ctx->calls->logv(ctx, level, format, args);
    va_end(args);
}

/* 1 on the first try of this message, 2 on the second, … 0 outside handle(). */
static inline uint32_t hark_attempt(struct hark_context *ctx)
{
    return ctx->calls->attempt(ctx);
}

/* Nanoseconds until this invocation is killed; may be negative when it is late already. */
static inline int64_t hark_budget_ns(struct hark_context *ctx)
{
    return ctx->calls->budget_ns(ctx);
}

#ifdef __cplusplus
}
#endif

#endif

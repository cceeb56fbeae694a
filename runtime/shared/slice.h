/* slice.h: borrowed bytes. Whoever hands out a slice says how long it lives. Not NUL-terminated.
 * data == NULL means "absent", which is not the same as present and empty. */
#ifndef HARK_SHARED_SLICE_H
#define HARK_SHARED_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct slice {
    const char *data;
    size_t len; /* bytes */
};

/* For printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).len, (s).data ? (s).data : ""

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline struct slice slice_make(const void *data, size_t len)
{
    return (struct slice){(const char *)data, len};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.data == NULL) == (b.data == NULL) &&
           (a.len == 0 || !a.data || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_starts_with(struct slice s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.data && s.len >= len && memcmp(s.data, prefix, len) == 0;
}

/* The bytes as a C string of the caller's (free it); NULL: out of memory. For text without NUL inside. */
__attribute__((warn_unused_result)) static inline char *slice_to_string(struct slice s)
{
    char *text = (char *)malloc(s.len + 1);
    if (!text)
        return NULL;
    if (s.len)
        memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    return text;
}

/* A user property of an MQTT message: two UTF-8 strings (MQTT-1.5.7-1). */
struct property {
    struct slice key;
    struct slice value;
};

#endif

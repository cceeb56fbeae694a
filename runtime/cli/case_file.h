/* case_file.h: what `hark test` reads: NAME.test.yaml, cases of messages and what is expected of them. Pure.
 *
 * The keys are in case_keys.c. What a key allows is checked here; whether the function has such a trigger is
 * seen when the case runs. */
#ifndef HARK_CLI_CASE_FILE_H
#define HARK_CLI_CASE_FILE_H

#include "cli/pattern.h"
#include "cli/player.h"
#include "manifest/manifest.h"
#include "shared/diag.h"
#include "shared/slice.h"

#include <jansson.h>

enum {
    CASES_MAX = 1000,         /* of a file */
    CASE_MESSAGES_MAX = 1000, /* of a list */
    CASE_BYTES_MAX = 4 * 1024 * 1024
};

/* Values of a key that was not written: it is not looked at. */
enum { CASE_ANY_QOS = 255, CASE_ANY_RETAINED = 2, CASE_ANY_EXPIRY = UINT32_MAX };

/* A payload as it is to be; at most one of them. */
struct case_payload {
    char *text;              /* exactly these bytes */
    char *base64;            /* the same, decoded into bytes[byte_count] */
    json_t *json;            /* sent: its compact text. Expected: JSON that is equal to it */
    struct pattern *matches; /* expected only */
    uint8_t *bytes;
    size_t byte_count;
};

/* A message that is given, or one that is expected. */
struct case_message {
    char *topic;
    char *timer; /* given: instead of a topic */
    struct case_payload payload;
    char *content_type, *response_topic, *correlation;
    struct manifest_pair *properties; /* expected: among others */
    size_t property_count;
    uint32_t expiry_s; /* given: 0: none */
    uint32_t attempt;  /* given */
    uint8_t qos, retained;
    unsigned line, column;
};

struct case_messages {
    struct case_message *items;
    size_t count;
    bool given; /* the key is there, perhaps with an empty list */
};

struct case_log {
    char *text;              /* a line has it in it */
    struct pattern *matches; /* or matches it */
    unsigned line, column;
};

enum case_reply { CASE_REPLY_ANY, CASE_REPLY_NONE, CASE_REPLY_LIKE };

struct case_expect {
    uint8_t result; /* enum play_outcome */
    struct case_messages publishes;
    bool any_order;
    enum case_reply reply_kind;
    struct case_message reply;
    struct case_log *logs;
    size_t log_count;
    uint64_t within_ns; /* 0: the manifest's timeout alone */
};

struct test_case {
    char *name; /* the message's topic where none was written */
    struct manifest_pair *config;
    size_t config_count;         /* right behind config */
    struct case_messages before; /* played first, what they do does not count */
    struct case_messages given;
    struct case_expect expect;
    bool expects; /* the key is there */
    unsigned line, column;
};

struct case_file {
    char *path;
    char *text; /* of the file */
    size_t text_len;
    char *function; /* path of manifest or .so, from the folder of the file */
    struct manifest_pair *config;
    size_t config_count; /* right behind config */
    struct test_case *cases;
    size_t count;
};

/* 0 and *ret (case_file_free), or -EINVAL with complaints in *diags, or -ENOMEM. */
__attribute__((warn_unused_result)) int case_file_parse(const char *path, struct slice text,
                                                        struct case_file **ret, struct diags *diags);
void case_file_free(struct case_file *f);

#endif

/* error_reply.c: a device that waits for an answer is told when none will come. */
#include "dispatcher/function_internal.h"

#include "dispatcher/hops.h"

#include <stdio.h>

enum { TEXT_MAX = 512 };

const char *give_up_word(enum give_up cause)
{
    static const char *const words[] = {
        [GIVE_UP_CRASH] = "crash",
        [GIVE_UP_TIMEOUT] = "timeout",
        [GIVE_UP_REJECT] = "reject",
        [GIVE_UP_RETRY] = "retry",
        [GIVE_UP_TOO_LARGE] = "too-large",
        [GIVE_UP_NO_TRIGGER] = "no-trigger",
        [GIVE_UP_OUTPUT_REFUSED] = "output-refused",
        [GIVE_UP_EXPIRED] = "expired",
        [GIVE_UP_LOOP] = "loop",
    };
    return words[cause];
}

/* A session of 3.1.1 never has a response topic, and a timer's event has none either. */
void error_reply(struct invocation *inv, enum give_up cause, const char *reason)
{
    const struct mqtt_message *request = inv->message;
    char hops[HOPS_TEXT_MAX], text[TEXT_MAX];
    if (!request->response_topic.data || inv->answered)
        return;
    inv->answered = true;
    const struct property properties[] = {
        hops_next(inv->hops, hops),
        {slice_of("hark-error"), slice_of(give_up_word(cause))},
        {slice_of("hark-function"), slice_of(inv->function->name)},
    };
    snprintf(text, sizeof text, "%s: %s", inv->function->name, reason);
    const struct mqtt_publish publish = {.topic = request->response_topic,
                                         .payload = slice_of(text),
                                         .content_type = slice_of("text/plain"),
                                         .correlation = request->correlation,
                                         .properties = properties,
                                         .property_count = sizeof properties / sizeof *properties,
                                         .qos = request->qos ? 1 : 0};
    release_publish(&inv->error_reply, &publish);
}

void error_reply_and_discard(struct invocation *inv, enum give_up cause, const char *reason)
{
    inv->function->releasing++;
    error_reply(inv, cause, reason);
    inv->all_sent = true;
    release_when_safe(inv);
}

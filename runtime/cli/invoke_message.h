/* invoke_message.h: the message of `hark invoke`, or the tick, as its options describe it. */
#ifndef HARK_CLI_INVOKE_MESSAGE_H
#define HARK_CLI_INVOKE_MESSAGE_H

#include "cli/options.h"
#include "dispatcher/revision.h"
#include "mqtt/mqtt.h"
#include "shared/buffer.h"
#include "shared/topic.h"

struct invoke_message {
    struct mqtt_message mqtt;       /* borrowed from the options, the manifest and what is below */
    struct topic_captures captures; /* of the trigger that it fires */
    struct property properties[OPTION_PROPERTIES_MAX];
    struct buffer file; /* the payload, when it came from a file */
};

/* 0, or the exit code, logged: 64 when the options make no message for this function, 65 when the payload's
 * file cannot be read. *m points into itself: it must not be moved. */
__attribute__((warn_unused_result)) int invoke_message_init(struct invoke_message *m, const struct options *o,
                                                            const struct revision *r);
void invoke_message_finish(struct invoke_message *m);

#endif

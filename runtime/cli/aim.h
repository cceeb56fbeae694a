/* aim.h: which trigger of a function a message fires that came from no broker. Pure. */
#ifndef HARK_CLI_AIM_H
#define HARK_CLI_AIM_H

#include "cli/message_parse.h"
#include "manifest/manifest.h"
#include "mqtt/mqtt.h"
#include "shared/diag.h"
#include "shared/topic.h"

/* 0 and the captures of the trigger, or -ENOENT with words in *diag (no file): which topics do. */
__attribute__((warn_unused_result)) int aim_message(const struct manifest *m,
                                                    const struct mqtt_message *message,
                                                    struct topic_captures *ret_captures, struct diag *diag);

/* Makes *message a tick of the timer of that name, with *property as its only one, both as `hark run` would.
 * Or -ENOENT with words in *diag: which timers there are. The name is borrowed from the manifest. */
__attribute__((warn_unused_result)) int aim_tick(const struct manifest *m, const char *timer,
                                                 struct mqtt_message *message, struct property *property,
                                                 struct diag *diag);

/* A message as a function is given it. What a tick is made of points into it: it stays where it is. */
struct aimed {
    struct mqtt_message message;
    struct property timer;
    struct topic_captures captures;
};

/* Which of the two it is says the line; what *ret holds is borrowed from it. 0, -ENOENT as above, or
 * -EMSGSIZE: the function takes no payload as large. */
__attribute__((warn_unused_result)) int aim_parsed(const struct manifest *m,
                                                   const struct parsed_message *parsed, struct aimed *ret,
                                                   struct diag *diag);

#endif

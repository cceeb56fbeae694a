/* show.h: messages in a line each, for people who compare them. */
#ifndef HARK_CLI_SHOW_H
#define HARK_CLI_SHOW_H

#include "mqtt/mqtt.h"

#include <stdio.h>

/* `before`, then the text so that no terminal obeys it; nothing when it is absent. */
void show_text(FILE *f, const char *before, struct slice text);

/* All of it, with the end of the line: `home/kitchen/heater  on  qos=1`. */
void show_publish(FILE *f, const struct mqtt_publish *p);

#endif

/* plain.h: texts of others, for brokers of every kind. One may pass on what another ends the connection for,
 * a control character for one (utf8_plain): a dead letter with such a text in it would be sent again, and end
 * the connection again, for ever. Pure. */
#ifndef HARK_DISPATCHER_PLAIN_H
#define HARK_DISPATCHER_PLAIN_H

#include "shared/slice.h"

#include <stdint.h>

enum { PLAIN_TEXT_MAX = 1024 /* bytes; of a text that has to be changed, the rest is cut */ };

/* The text itself, or in `buffer` the text with \xNN for each byte that stands against it. */
struct slice plain_text(struct slice text, char buffer[PLAIN_TEXT_MAX]);

/* The text, or absent. */
struct slice plain_or_absent(struct slice text);

/* Leaves out those that are not plain; returns how many are left. */
uint32_t plain_properties(struct property *properties, uint32_t count);

#endif

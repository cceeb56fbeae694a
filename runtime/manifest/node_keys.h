/* node_keys.h: the table of hark.yaml's keys. Pure. */
#ifndef HARK_MANIFEST_NODE_KEYS_H
#define HARK_MANIFEST_NODE_KEYS_H

#include "manifest/keys.h"
#include "manifest/node_config.h"

/* Target: struct node_config. */
extern const struct keys node_keys;
/* Of one of `brokers`; target: struct node_broker. */
extern const struct keys node_broker_keys;

key_load node_load_brokers;

/* Is it the name of a node or a broker? NULL, or the rule. */
const char *node_check_name(struct slice text);
/* Is it a URL at all: has it `://`? */
bool node_is_url(struct slice text);

#endif

/* case_json.h: what YAML says, as JSON: maps, lists and texts; of words without quotes numbers, true, false
 * and null are what they are in JSON. And whether two values are one. Pure. */
#ifndef HARK_CLI_CASE_JSON_H
#define HARK_CLI_CASE_JSON_H

#include "manifest/yaml.h"

#include <jansson.h>
#include <stdbool.h>

json_t *case_json(const struct yaml_node *node); /* a new reference; NULL: out of memory */

/* Is it the same value? Unlike json_equal, 1 is 1.0. */
bool case_json_equal(const json_t *a, const json_t *b);

#endif

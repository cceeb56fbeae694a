/* yaml_write.h: values as YAML on one line, for a file that a person keeps, inside brackets or not. Pure. */
#ifndef HARK_CLI_YAML_WRITE_H
#define HARK_CLI_YAML_WRITE_H

#include "shared/slice.h"

#include <jansson.h>
#include <stdio.h>

enum yaml_quotes { YAML_QUOTES_NONE, YAML_QUOTES_SINGLE, YAML_QUOTES_DOUBLE };

/* The quotes that are wished for where they can hold the text, else double ones. UTF-8 without NUL. */
void yaml_write_text(FILE *f, struct slice text, enum yaml_quotes wish);

/* So that case_json of it is equal to it. */
void yaml_write_json(FILE *f, const json_t *value);

#endif

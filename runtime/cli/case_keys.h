/* case_keys.h: the keys of NAME.test.yaml, for their loader and for what is generated of the table. Pure. */
#ifndef HARK_CLI_CASE_KEYS_H
#define HARK_CLI_CASE_KEYS_H

#include "cli/case_file.h"
#include "manifest/keys.h"

extern const struct keys case_file_keys;   /* target: struct case_file */
extern const struct keys case_keys;        /* of one case; target: struct test_case */
extern const struct keys case_given_keys;  /* of a message that is given; target: struct case_message */
extern const struct keys case_output_keys; /* of one that is expected; target: struct case_message */
extern const struct keys case_reply_keys;  /* likewise, without a topic */

/* case_load.c */
key_load case_load_cases, case_load_config, case_load_messages, case_load_properties, case_load_base64,
    case_load_json, case_load_payload_regex, case_load_log_regex, case_load_reply, case_load_logs;

#endif

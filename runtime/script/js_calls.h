/* js_calls.h: the object `hark` of a script in JavaScript, and the message that it is given. In the sealed
 * worker.
 *
 * Runs inside duk_safe_call: each may throw. */
#ifndef HARK_SCRIPT_JS_CALLS_H
#define HARK_SCRIPT_JS_CALLS_H

#include "hark/function.h"

#include <duktape.h>

/* Sets the globals `hark`, `print` and `console`. ctx is that of all calls to come. */
void js_calls_open(duk_context *js, struct hark_context *ctx);

/* Pushes the message as an object. */
void js_calls_push_message(duk_context *js, const struct hark_message *m);

#endif

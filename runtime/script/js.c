/* js.c: hark-js.so, the adapter of scripts in JavaScript (ECMAScript 5.1 and a little more, by Duktape): a
 * function like any other, whose start() reads the script, and whose handle() calls the script's. In the
 * sealed worker. Duktape by itself has nothing that opens a file.
 *
 * Whatever may throw runs inside duk_safe_call, also for want of memory: what the script throws is a line in
 * the log and a retry. */
#include "script/js_calls.h"
#include "script/words.h"
#include "shared/script.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static duk_context *js;
static struct hark_context *context;
static const char *script_name;
static bool is_compiling; /* what fails is the script's own syntax */

/* An error that nobody could catch. */
static void on_fatal(void *unused, const char *message)
{
    (void)unused;
    hark_log(context, HARK_ERROR, "%s: %s", script_name, message ? message : "a fatal error");
    abort();
}

static void call_if_there(duk_context *d, const char *name)
{
    if (duk_get_global_string(d, name) && duk_is_function(d, -1))
        duk_call(d, 0);
    duk_pop(d);
}

/* In duk_safe_call. */
static duk_ret_t run_script(duk_context *d, void *data)
{
    const struct script *script = data;
    js_calls_open(d, context);
    duk_push_string(d, script->name);
    is_compiling = true;
    duk_compile_lstring_filename(d, 0, script->text, script->len);
    is_compiling = false;
    duk_call(d, 0);
    if (!duk_get_global_string(d, "handle") || !duk_is_function(d, -1))
        return duk_error(d, DUK_ERR_ERROR,
                         "it has no function handle: write function handle(message) { ... }");
    call_if_there(d, "start");
    return 0;
}

/* In duk_safe_call. Returns what the script's handle() did; nothing is HARK_OK. */
static duk_ret_t run_handle(duk_context *d, void *data)
{
    duk_get_global_string(d, "handle");
    js_calls_push_message(d, data);
    duk_call(d, 1);
    if (duk_is_undefined(d, -1))
        duk_push_int(d, HARK_OK);
    double result = duk_is_number(d, -1) ? duk_get_number(d, -1) : -1;
    if (result == HARK_OK || result == HARK_RETRY || result == HARK_REJECT)
        return 1;
    return duk_error(d, DUK_ERR_ERROR,
                     "handle() returned %s: return hark.OK, hark.RETRY, hark.REJECT or nothing",
                     duk_safe_to_string(d, -1));
}

static duk_ret_t run_stop(duk_context *d, void *unused)
{
    (void)unused;
    call_if_there(d, "stop");
    return 0;
}

/* The first line of the script in the trace, which begins behind the message. 0: none. */
static unsigned line_of_script(const char *trace)
{
    char place[300];
    int len = snprintf(place, sizeof place, "(%s:", script_name);
    const char *at = trace && len < (int)sizeof place ? strstr(trace, place) : NULL;
    return at ? (unsigned)strtoul(at + len, NULL, 10) : 0;
}

/* What to do about it, where the words do not say so. */
static const char *hint_of(const char *text)
{
    if (strstr(text, "alloc failed"))
        return ": raise `limits.memory`";
    if (is_compiling && strstr(text, "source decode failed"))
        return ": it is not UTF-8: save it with that encoding";
    if (is_compiling && strncmp(text, "SyntaxError", strlen("SyntaxError")) == 0)
        return ": mind that this is ECMAScript 5.1, without let, =>, class and `...`";
    return "";
}

/* In duk_safe_call, with what was thrown on the stack: makes the line of it. */
static duk_ret_t describe(duk_context *d, void *unused)
{
    (void)unused;
    unsigned line = 0;
    if (duk_is_error(d, -1)) {
        duk_get_prop_string(d, -1, "stack");
        line = line_of_script(duk_get_string(d, -1));
        duk_pop(d);
    }
    const char *text = duk_safe_to_string(d, -1);
    const char *hint = hint_of(text);
    if (line)
        duk_push_sprintf(d, "%s:%u: %s%s", script_name, line, text, hint);
    else
        duk_push_sprintf(d, "%s: %s%s", script_name, text, hint);
    return 1;
}

/* What was thrown is on top of the stack. */
static void take_error(char *line, size_t size)
{
    if (duk_safe_call(js, describe, NULL, 1, 1) == DUK_EXEC_SUCCESS)
        snprintf(line, size, "%s", duk_get_string(js, -1));
    else
        snprintf(line, size, "%s: not enough memory: raise `limits.memory`", script_name);
    duk_set_top(js, 0);
}

static void log_error(struct hark_context *ctx)
{
    char line[SCRIPT_WHY_MAX];
    take_error(line, sizeof line);
    hark_log(ctx, HARK_ERROR, "%s", line);
}

static int start(struct hark_context *ctx)
{
    struct script *script = ctx->user;
    if (!script) {
        hark_log(ctx, HARK_ERROR, WORDS_NO_SCRIPT);
        return -1;
    }
    ctx->user = NULL;
    context = ctx;
    script_name = script->name;
    js = duk_create_heap(NULL, NULL, NULL, NULL, on_fatal);
    if (!js) {
        snprintf(script->why, sizeof script->why, "%s: not enough memory: raise `limits.memory`",
                 script_name);
        return -1;
    }
    if (duk_safe_call(js, run_script, script, 0, 1) != DUK_EXEC_SUCCESS) {
        take_error(script->why, sizeof script->why);
        return -1;
    }
    duk_set_top(js, 0);
    return 0;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    if (duk_safe_call(js, run_handle, (void *)(uintptr_t)in, 0, 1) != DUK_EXEC_SUCCESS) {
        log_error(ctx);
        return HARK_RETRY;
    }
    int returned = duk_get_int(js, -1);
    duk_set_top(js, 0);
    return returned;
}

static void stop(struct hark_context *ctx)
{
    if (duk_safe_call(js, run_stop, NULL, 0, 1) != DUK_EXEC_SUCCESS)
        log_error(ctx);
}

HARK_FUNCTION(.start = start, .handle = handle, .stop = stop);

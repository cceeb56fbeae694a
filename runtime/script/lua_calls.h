/* lua_calls.h: the table `hark` of a script in Lua, and the message that it is given. In the sealed worker.
 *
 * Runs inside lua_pcall: each may raise an error of Lua's. */
#ifndef HARK_SCRIPT_LUA_CALLS_H
#define HARK_SCRIPT_LUA_CALLS_H

#include "hark/function.h"

#include <lua.h>

/* Sets the global `hark`, and `print`, which logs. ctx is that of all calls to come. */
void lua_calls_open(lua_State *L, struct hark_context *ctx);

/* Pushes the message as a table. */
void lua_calls_push_message(lua_State *L, const struct hark_message *m);

#endif

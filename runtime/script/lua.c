/* lua.c: hark-lua.so, the adapter of scripts in Lua 5.4: a function like any other, whose start() reads the
 * script, and whose handle() calls the script's. In the sealed worker; what a script can reach is what any
 * function can, less what needs a file.
 *
 * Whatever may raise an error runs inside lua_pcall, also for want of memory: an error of the script is a
 * line in the log and a retry. */
#include "script/lua_calls.h"
#include "script/streams.h"
#include "script/words.h"
#include "shared/script.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

static lua_State *lua;
static const char *script_name;

/* Without io, os, package and debug, and without what loads code from elsewhere. Compiled code (load,
 * string.dump) is not checked by Lua and could break it. */
static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},       {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},
        {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine},
    };
    static const char *const removed[] = {"dofile", "loadfile", "load"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        lua_pushnil(L);
        lua_setglobal(L, removed[i]);
    }
}

static void call_if_there(lua_State *L, const char *name)
{
    if (lua_getglobal(L, name) == LUA_TFUNCTION)
        lua_call(L, 0, 0);
}

/* Bytes of the mark that some editors put in front of UTF-8; lua(1) passes over it too. */
static size_t byte_order_mark(const struct script *script)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    return script->len >= sizeof mark && memcmp(script->text, mark, sizeof mark) == 0 ? sizeof mark : 0;
}

/* In lua_pcall: (script, context). */
static int run_script(lua_State *L)
{
    const struct script *script = lua_touserdata(L, 1);
    open_libraries(L);
    lua_calls_open(L, lua_touserdata(L, 2));
    const char *name = lua_pushfstring(L, "=%s", script->name);
    size_t mark = byte_order_mark(script);
    if (script->len > mark && script->text[mark] == LUA_SIGNATURE[0]) {
        lua_pushfstring(L, "%s: this is compiled Lua: give its source", script->name);
        return lua_error(L);
    }
    if (luaL_loadbufferx(L, script->text + mark, script->len - mark, name, "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    if (lua_getglobal(L, "handle") != LUA_TFUNCTION) {
        lua_pushfstring(L, "%s: it has no function handle: write function handle(message) ... end",
                        script->name);
        return lua_error(L);
    }
    call_if_there(L, "start");
    return 0;
}

/* In lua_pcall: (message). Returns what the script's handle() did; nothing is HARK_OK. */
static int run_handle(lua_State *L)
{
    const struct hark_message *message = lua_touserdata(L, 1);
    lua_getglobal(L, "handle");
    lua_calls_push_message(L, message);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1))
        lua_pushinteger(L, HARK_OK);
    lua_Integer result = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : -1;
    if (result == HARK_OK || result == HARK_RETRY || result == HARK_REJECT)
        return 1;
    lua_pushfstring(L, "%s: handle() returned %s: return hark.OK, hark.RETRY, hark.REJECT or nothing",
                    script_name, luaL_tolstring(L, -1, NULL));
    return lua_error(L);
}

static int run_stop(lua_State *L)
{
    call_if_there(L, "stop");
    return 0;
}

/* What was raised, as one line: mostly "rules.lua:3: ..." */
static const char *error_text(lua_State *L, int status, char *line, size_t size)
{
    if (status == LUA_ERRMEM)
        snprintf(line, size, "%s: not enough memory: raise `limits.memory`", script_name);
    else if (lua_type(L, -1) == LUA_TSTRING)
        snprintf(line, size, "%s", lua_tostring(L, -1));
    else
        snprintf(line, size, "%s: error() was given a %s: give it a string", script_name,
                 luaL_typename(L, -1));
    return line;
}

static void log_error(struct hark_context *ctx, int status)
{
    char line[SCRIPT_WHY_MAX];
    hark_log(ctx, HARK_ERROR, "%s", error_text(lua, status, line, sizeof line));
    lua_settop(lua, 0);
}

static int start(struct hark_context *ctx)
{
    struct script *script = ctx->user;
    if (!script) {
        hark_log(ctx, HARK_ERROR, WORDS_NO_SCRIPT);
        return -1;
    }
    ctx->user = NULL;
    script_name = script->name;
    streams_open();
    lua = luaL_newstate();
    int status = LUA_ERRMEM;
    if (lua) {
        lua_pushcfunction(lua, run_script);
        lua_pushlightuserdata(lua, script);
        lua_pushlightuserdata(lua, ctx);
        status = lua_pcall(lua, 2, 0, 0);
    }
    if (status == LUA_OK)
        return 0;
    error_text(lua, status, script->why, sizeof script->why);
    return -1;
}

static int handle(struct hark_context *ctx, const struct hark_message *in)
{
    lua_pushcfunction(lua, run_handle);
    lua_pushlightuserdata(lua, (void *)(uintptr_t)in);
    int status = lua_pcall(lua, 1, 1, 0);
    if (status != LUA_OK) {
        log_error(ctx, status);
        return HARK_RETRY;
    }
    int returned = (int)lua_tointeger(lua, -1);
    lua_settop(lua, 0);
    return returned;
}

static void stop(struct hark_context *ctx)
{
    lua_pushcfunction(lua, run_stop);
    int status = lua_pcall(lua, 0, 0, 0);
    if (status != LUA_OK)
        log_error(ctx, status);
}

HARK_FUNCTION(.start = start, .handle = handle, .stop = stop);

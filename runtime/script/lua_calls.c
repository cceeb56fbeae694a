#include "script/lua_calls.h"

#include "script/words.h"

#include <lauxlib.h>
#include <string.h>

enum { PROPERTIES_MAX = 64 };

static struct hark_context *context;

/* The string at `index` for a field that C reads up to its NUL. */
static const char *text_at(lua_State *L, int index, const char *what)
{
    size_t len;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s: a string is needed, not %s", what, luaL_typename(L, index));
    const char *text = lua_tolstring(L, index, &len);
    if (strlen(text) != len)
        luaL_error(L, "%s: it must not hold a zero byte", what);
    return text;
}

static lua_Integer number_at(lua_State *L, int index, const char *what, lua_Integer max)
{
    int is_number;
    lua_Integer number = lua_tointegerx(L, index, &is_number);
    if (!is_number || number < 0 || number > max)
        luaL_error(L, "%s: a whole number from 0 to %I is needed", what, (LUAI_UACINT)max);
    return number;
}

/* Not Lua's truth: "false" would be true. */
static bool boolean_at(lua_State *L, int index, const char *what)
{
    if (!lua_isboolean(L, index))
        luaL_error(L, "%s: true or false is needed", what);
    return lua_toboolean(L, index);
}

/* Of a table's own field: what is borrowed from it lives as long as the table. */
static const char *own_text(lua_State *L, int table, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, table);
    const char *text = text_at(L, -1, key);
    lua_pop(L, 1);
    return text;
}

static void read_properties(lua_State *L, int list, struct hark_message *m, struct hark_property *properties)
{
    if (lua_type(L, list) != LUA_TTABLE || lua_rawlen(L, list) > PROPERTIES_MAX)
        luaL_error(L, "properties: a list of at most %d tables { key = ..., value = ... } is needed",
                   PROPERTIES_MAX);
    m->property_count = lua_rawlen(L, list);
    m->properties = properties;
    for (size_t i = 0; i < m->property_count; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TTABLE)
            luaL_error(L, "properties: each is a table { key = ..., value = ... }");
        int property = lua_gettop(L);
        properties[i].key = own_text(L, property, "key");
        properties[i].value = own_text(L, property, "value");
        lua_pop(L, 1);
    }
}

/* The value is on top of the stack. */
static void read_option(lua_State *L, const char *key, struct hark_message *m,
                        struct hark_property *properties)
{
    if (strcmp(key, "qos") == 0)
        m->qos = (uint8_t)number_at(L, -1, key, 2);
    else if (strcmp(key, "retained") == 0)
        m->retained = boolean_at(L, -1, key);
    else if (strcmp(key, "content_type") == 0)
        m->content_type = text_at(L, -1, key);
    else if (strcmp(key, "response_topic") == 0)
        m->response_topic = text_at(L, -1, key);
    else if (strcmp(key, "correlation") == 0 && lua_type(L, -1) == LUA_TSTRING)
        m->correlation = lua_tolstring(L, -1, &m->correlation_len);
    else if (strcmp(key, "expiry_s") == 0)
        m->expiry_s = (uint32_t)number_at(L, -1, key, UINT32_MAX);
    else if (strcmp(key, "properties") == 0)
        read_properties(L, lua_gettop(L), m, properties);
    else
        luaL_error(L,
                   "publish takes no %s: the options are qos, retained, content_type, response_topic, "
                   "correlation (a string), expiry_s and properties",
                   key);
}

static void read_options(lua_State *L, int table, struct hark_message *m, struct hark_property *properties)
{
    luaL_checktype(L, table, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        read_option(L, text_at(L, -2, "the name of an option"), m, properties);
}

static int publish(lua_State *L)
{
    struct hark_property properties[PROPERTIES_MAX];
    struct hark_message m = {.qos = 1};
    luaL_checkstring(L, 1);
    m.topic = text_at(L, 1, "topic");
    m.payload = luaL_checklstring(L, 2, &m.payload_len);
    if (!lua_isnoneornil(L, 3))
        read_options(L, 3, &m, properties);
    int error = hark_publish_message(context, &m);
    return error ? luaL_error(L, "publish to '%s' refused: %s", m.topic, words_of_refusal(error)) : 0;
}

static int reply(lua_State *L)
{
    size_t len;
    const char *data = luaL_checklstring(L, 1, &len);
    int error = hark_reply(context, data, len);
    return error ? luaL_error(L, "reply refused: %s", words_of_refusal(error)) : 0;
}

static int capture(lua_State *L)
{
    lua_pushstring(L, hark_capture(context, luaL_checkstring(L, 1)));
    return 1;
}

static int config(lua_State *L)
{
    lua_pushstring(L, hark_config(context, luaL_checkstring(L, 1)));
    return 1;
}

static int log_line(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    int level = words_log_level(name);
    if (level < 0)
        return luaL_error(L, "log: no level '%s': " WORDS_OF_LEVELS, name);
    luaL_checkany(L, 2);
    hark_log(context, level, "%s", luaL_tolstring(L, 2, NULL));
    return 0;
}

static int attempt(lua_State *L)
{
    lua_pushinteger(L, hark_attempt(context));
    return 1;
}

static int budget_ns(lua_State *L)
{
    lua_pushinteger(L, hark_budget_ns(context));
    return 1;
}

static int print(lua_State *L)
{
    luaL_Buffer line;
    int count = lua_gettop(L);
    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&line, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
    }
    luaL_pushresult(&line);
    hark_log(context, HARK_INFO, "%s", lua_tostring(L, -1));
    return 0;
}

void lua_calls_open(lua_State *L, struct hark_context *ctx)
{
    static const luaL_Reg calls[] = {
        {"publish", publish}, {"reply", reply},     {"capture", capture},     {"config", config},
        {"log", log_line},    {"attempt", attempt}, {"budget_ns", budget_ns}, {NULL, NULL},
    };
    static const struct {
        const char *name;
        int value;
    } results[] = {{"OK", HARK_OK}, {"RETRY", HARK_RETRY}, {"REJECT", HARK_REJECT}};
    context = ctx;
    luaL_newlib(L, calls);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        lua_pushinteger(L, results[i].value);
        lua_setfield(L, -2, results[i].name);
    }
    lua_setglobal(L, "hark");
    lua_register(L, "print", print);
}

/* Absent fields are nil. */
static void set_text(lua_State *L, const char *key, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void set_bytes(lua_State *L, const char *key, const void *data, size_t len)
{
    if (data)
        lua_pushlstring(L, data, len);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, lua_Integer number)
{
    lua_pushinteger(L, number);
    lua_setfield(L, -2, key);
}

static void set_properties(lua_State *L, const struct hark_message *m)
{
    lua_createtable(L, (int)m->property_count, 0);
    for (size_t i = 0; i < m->property_count; i++) {
        lua_createtable(L, 0, 2);
        set_text(L, "key", m->properties[i].key);
        set_text(L, "value", m->properties[i].value);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "properties");
}

void lua_calls_push_message(lua_State *L, const struct hark_message *m)
{
    lua_createtable(L, 0, 9);
    set_text(L, "topic", m->topic);
    set_bytes(L, "payload", m->payload, m->payload_len);
    set_number(L, "qos", m->qos);
    lua_pushboolean(L, m->retained);
    lua_setfield(L, -2, "retained");
    set_text(L, "content_type", m->content_type);
    set_text(L, "response_topic", m->response_topic);
    set_bytes(L, "correlation", m->correlation, m->correlation_len);
    set_number(L, "expiry_s", m->expiry_s);
    set_properties(L, m);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See lua_scripts.h: redis.call, redis.error_reply, struct.unpack (B and c0),
 * and Redis's rules for values on their way between Lua and a reply.
 */
#include "tests/sim/lua_scripts.h"

#include <lua5.1/lauxlib.h>
#include <lua5.1/lua.h>
#include <lua5.1/lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPTS_MAX 64
#define ARGUMENTS_MAX 9000

typedef struct {
    char sha[41];
    int function; /* in Lua's registry */
    bool allow_oom;
} script_t;

static lua_State *s_lua;
static script_t s_scripts[SCRIPTS_MAX];
static size_t s_count;

/* Of the script that runs. */
static db_t *s_db;
static uint64_t s_now_ms;
static bool s_full, s_wrote;

/* ---- values ----------------------------------------------------------- */

static void s_push(lua_State *lua, const reply_t *reply)
{
    switch (reply->type) {
    case REPLY_NIL:
        lua_pushboolean(lua, 0);
        return;
    case REPLY_INTEGER:
        lua_pushnumber(lua, (lua_Number)reply->integer);
        return;
    case REPLY_STRING:
        lua_pushlstring(lua, reply->bytes, reply->size);
        return;
    case REPLY_STATUS:
    case REPLY_ERROR:
        lua_newtable(lua);
        lua_pushstring(lua, reply->type == REPLY_STATUS ? "ok" : "err");
        lua_pushlstring(lua, reply->bytes, reply->size);
        lua_rawset(lua, -3);
        return;
    case REPLY_ARRAY:
        lua_createtable(lua, (int)reply->size, 0);
        for (size_t i = 0; i < reply->size; i++) {
            s_push(lua, reply->elements[i]);
            lua_rawseti(lua, -2, (int)i + 1);
        }
        return;
    }
}

static reply_t *s_pop(lua_State *lua);

static reply_t *s_pop_table(lua_State *lua)
{
    size_t size;
    lua_getfield(lua, -1, "err");
    if (lua_type(lua, -1) == LUA_TSTRING) {
        reply_t *reply = reply_error(lua_tolstring(lua, -1, &size));
        lua_pop(lua, 2);
        return reply;
    }
    lua_pop(lua, 1);
    lua_getfield(lua, -1, "ok");
    if (lua_type(lua, -1) == LUA_TSTRING) {
        reply_t *reply = reply_status(lua_tolstring(lua, -1, &size));
        lua_pop(lua, 2);
        return reply;
    }
    lua_pop(lua, 1);
    reply_t *all = reply_array();
    for (int i = 1;; i++) {
        lua_rawgeti(lua, -1, i);
        if (lua_type(lua, -1) == LUA_TNIL)
            break;
        reply_push(all, s_pop(lua));
    }
    lua_pop(lua, 2);
    return all;
}

static reply_t *s_pop(lua_State *lua)
{
    reply_t *reply = NULL;
    size_t size;
    const char *text;
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
        text = lua_tolstring(lua, -1, &size);
        reply = reply_string(text, size);
        break;
    case LUA_TNUMBER:
        reply = reply_integer((long long)lua_tonumber(lua, -1));
        break;
    case LUA_TBOOLEAN:
        reply = lua_toboolean(lua, -1) ? reply_integer(1) : reply_nil();
        break;
    case LUA_TTABLE:
        return s_pop_table(lua);
    default:
        reply = reply_nil();
    }
    lua_pop(lua, 1);
    return reply;
}

/* ---- what scripts call ------------------------------------------------ */

static int s_call(lua_State *lua, bool raise)
{
    static word_t words[ARGUMENTS_MAX];
    int count = lua_gettop(lua);
    if (count < 1 || count > ARGUMENTS_MAX)
        return luaL_error(lua, "ERR number of arguments");
    for (int i = 0; i < count; i++)
        words[i].bytes = lua_tolstring(lua, i + 1, &words[i].size);
    bool full = s_full && !s_wrote;
    reply_t *reply = db_call(s_db, s_now_ms, full, (size_t)count, words);
    s_wrote |= db_command_writes(&words[0]);
    bool bad = reply->type == REPLY_ERROR;
    if (bad && raise) {
        lua_pushlstring(lua, reply->bytes, reply->size);
        reply_free(reply);
        return lua_error(lua);
    }
    s_push(lua, reply);
    reply_free(reply);
    return 1;
}

static int s_redis_call(lua_State *lua)
{
    return s_call(lua, true);
}

static int s_redis_pcall(lua_State *lua)
{
    return s_call(lua, false);
}

static int s_reply_table(lua_State *lua, const char *kind)
{
    lua_newtable(lua);
    lua_pushstring(lua, kind);
    lua_pushvalue(lua, 1);
    lua_rawset(lua, -3);
    return 1;
}

static int s_redis_error(lua_State *lua)
{
    return s_reply_table(lua, "err");
}

static int s_redis_status(lua_State *lua)
{
    return s_reply_table(lua, "ok");
}

/* Words of "Bc0", and the position behind the last. */
static int s_struct_unpack(lua_State *lua)
{
    size_t format_size, size, at = 0;
    const char *format = luaL_checklstring(lua, 1, &format_size);
    const char *bytes = luaL_checklstring(lua, 2, &size);
    int count = 0;
    luaL_checkstack(lua, (int)format_size / 3 + 2, "too many results");
    for (size_t i = 0; i + 2 < format_size; i += 3) {
        size_t length = at < size ? (uint8_t)bytes[at] : 0;
        if (strncmp(format + i, "Bc0", 3) != 0 || at + 1 + length > size)
            return luaL_error(lua, "data string too short");
        lua_pushlstring(lua, bytes + at + 1, length);
        at += 1 + length;
        count++;
    }
    lua_pushnumber(lua, (lua_Number)at + 1);
    return count + 1;
}

static void s_open(void)
{
    static const luaL_Reg redis[] = {{"call", s_redis_call},
                                     {"pcall", s_redis_pcall},
                                     {"error_reply", s_redis_error},
                                     {"status_reply", s_redis_status},
                                     {NULL, NULL}};
    static const luaL_Reg structs[] = {{"unpack", s_struct_unpack},
                                       {NULL, NULL}};
    s_lua = luaL_newstate();
    luaL_openlibs(s_lua);
    luaL_register(s_lua, "redis", redis);
    luaL_register(s_lua, "struct", structs);
    lua_pop(s_lua, 2);
}

/* ---- scripts ---------------------------------------------------------- */

void scripts_forget(void)
{
    s_count = 0;
    if (s_lua)
        lua_close(s_lua);
    s_lua = NULL;
}

static script_t *s_find(const char *sha)
{
    for (size_t i = 0; i < s_count; i++)
        if (!strcmp(s_scripts[i].sha, sha))
            return &s_scripts[i];
    return NULL;
}

void script_load(const word_t *text, char sha[41])
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text->size; i++)
        hash = (hash ^ (uint8_t)text->bytes[i]) * 0x100000001b3u;
    snprintf(sha, 41, "%040llx", (unsigned long long)hash);
    if (s_find(sha))
        return;
    if (!s_lua)
        s_open();
    script_t *script = &s_scripts[s_count++];
    memcpy(script->sha, sha, 41);
    /* "#!lua flags=allow-oom" */
    const char *body = text->bytes, *end = body + text->size;
    const char *line = text->size > 2 && body[0] == '#'
                           ? memchr(body, '\n', text->size)
                           : NULL;
    script->allow_oom =
        line && memmem(body, (size_t)(line - body), "allow-oom", 9);
    if (line)
        body = line;
    if (luaL_loadbuffer(s_lua, body, (size_t)(end - body), "script")) {
        fprintf(stderr, "sim: %s\n", lua_tostring(s_lua, -1));
        abort();
    }
    script->function = luaL_ref(s_lua, LUA_REGISTRYINDEX);
}

static void s_set_list(const char *name, size_t count, const word_t *words)
{
    lua_createtable(s_lua, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(s_lua, words[i].bytes, words[i].size);
        lua_rawseti(s_lua, -2, (int)i + 1);
    }
    lua_setglobal(s_lua, name);
}

reply_t *script_run(db_t *db, uint64_t now_ms, bool full, size_t count,
                    const word_t *words)
{
    char sha[41] = "";
    if (words[1].size == 40)
        memcpy(sha, words[1].bytes, 40);
    script_t *script = s_find(sha);
    if (!script)
        return reply_error("NOSCRIPT No matching script. Please use EVAL.");
    size_t keys = (size_t)strtoul(words[2].bytes, NULL, 10);
    s_set_list("KEYS", keys, words + 3);
    s_set_list("ARGV", count - 3 - keys, words + 3 + keys);
    s_db = db;
    s_now_ms = now_ms;
    s_full = full && !script->allow_oom;
    s_wrote = false;
    lua_rawgeti(s_lua, LUA_REGISTRYINDEX, script->function);
    if (lua_pcall(s_lua, 0, 1, 0)) {
        reply_t *error = reply_error(lua_tostring(s_lua, -1));
        lua_pop(s_lua, 1);
        return error;
    }
    return s_pop(s_lua);
}

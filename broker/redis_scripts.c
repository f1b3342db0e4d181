/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_scripts.h. A script answers {0, …} where the fence refused it and
 * {1, …} where it was done. Lua in Redis has no rollback, so what can fail
 * (XADD: wrong type, out of memory) stands before what cannot.
 *
 * meta.leader is the token of who raised the epoch last: on a Redis that lost
 * its newest writes two brokers could come to the same number.
 */
#include "broker/redis_scripts.h"

#define FENCE                                                                  \
    "if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {0} end\n"

const char *const redis_scripts[SCRIPTS] = {
    /* token, lease ms, an epoch known elsewhere */
    [SCRIPT_LEAD] =
        "local held = redis.call('GET', KEYS[4])\n"
        "if held and held ~= ARGV[1] then return {0} end\n"
        "redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])\n"
        "local m = redis.call('HMGET', KEYS[1],\n"
        "    'epoch', 'seq', 'digest', 'canvas', 'born')\n"
        "local e = math.max(tonumber(m[1] or 0), tonumber(ARGV[3])) + 1\n"
        "redis.call('HSET', KEYS[1], 'epoch', e, 'leader', ARGV[1])\n"
        "return {1, tostring(e), m[2], m[3], m[4], m[5]}\n",
    /* token, lease ms, own epoch. A Redis without seq was emptied: whoever
     * holds a board in memory takes it over, whatever its epoch says. */
    [SCRIPT_RESUME] =
        "local m = redis.call('HMGET', KEYS[1],\n"
        "    'epoch', 'seq', 'digest', 'canvas', 'born', 'leader')\n"
        "local e, own = tonumber(m[1] or 0), tonumber(ARGV[3])\n"
        "local mine = e == own and m[6] == ARGV[1]\n"
        "if m[2] and not mine and e >= own then return {0} end\n"
        "redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])\n"
        "if not mine then\n"
        "    own = math.max(e, own) + 1\n"
        "    redis.call('HSET', KEYS[1], 'epoch', own, 'leader', ARGV[1])\n"
        "end\n"
        "return {1, tostring(own), m[2], m[3], m[4], m[5]}\n",
    /* epoch, token, lease ms */
    [SCRIPT_RENEW] =
        FENCE "local held = redis.call('GET', KEYS[4])\n"
              "if held and held ~= ARGV[2] then return {0} end\n"
              "redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])\n"
              "return {1}\n",
    /* token */
    [SCRIPT_RELEASE] =
        "if redis.call('GET', KEYS[4]) ~= ARGV[1] then return {0} end\n"
        "redis.call('DEL', KEYS[4])\n"
        "return {1}\n",
    /* epoch, from, to, digest, records, then for each chunk of pixels the
     * number of its words and the words (batch.h) */
    [SCRIPT_COMMIT] =
        "local m = redis.call('HMGET', KEYS[1], 'epoch', 'seq')\n"
        "if m[1] ~= ARGV[1] or m[2] ~= ARGV[2] then return {0} end\n"
        "redis.call('XADD', KEYS[2], ARGV[3] .. '-0', 'r', ARGV[5])\n"
        "for i = 6, #ARGV, 2 do\n"
        "    redis.call('BITFIELD', KEYS[3],\n"
        "        struct.unpack(string.rep('Bc0', ARGV[i]), ARGV[i + 1]))\n"
        "end\n"
        "redis.call('HSET', KEYS[1], 'seq', ARGV[3], 'digest', ARGV[4])\n"
        "return {1}\n",
    /* epoch, 1 where the log is to be emptied before, then for each entry its
     * last seq and its records; entries that are there are left */
    [SCRIPT_PUT_LOG] = FENCE
    "if ARGV[2] == '1' then redis.call('DEL', KEYS[2]) end\n"
    "local last = redis.call('XREVRANGE', KEYS[2], '+', '-',\n"
    "    'COUNT', 1)[1]\n"
    "local top = last and tonumber(string.match(last[1], '^%d+')) or 0\n"
    "for i = 3, #ARGV, 2 do\n"
    "    if tonumber(ARGV[i]) > top then\n"
    "        redis.call('XADD', KEYS[2], ARGV[i] .. '-0', 'r',\n"
    "            ARGV[i + 1])\n"
    "    end\n"
    "end\n"
    "return {1}\n",
    /* epoch, seq, digest, canvas, born, pixels */
    [SCRIPT_PUT_BOARD] =
        FENCE "redis.call('SET', KEYS[3], ARGV[6])\n"
              "redis.call('HSET', KEYS[1], 'seq', ARGV[2], 'digest', ARGV[3],\n"
              "    'canvas', ARGV[4], 'born', ARGV[5])\n"
              "return {1}\n",
    /* epoch, upto, upto + 1 */
    [SCRIPT_TRIM] =
        FENCE "redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[3] .. '-0')\n"
              "redis.call('HSET', KEYS[1], 'trimmed', ARGV[2])\n"
              "return {1}\n",
    /* epoch, canvas */
    [SCRIPT_CANVAS] = FENCE "redis.call('HSET', KEYS[1], 'canvas', ARGV[2])\n"
                            "return {1}\n",
};

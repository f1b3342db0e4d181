/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_scripts.h. A script answers {0, …} where the fence refused it and
 * {1, …} where it was done. Lua in Redis has no rollback, so what can fail
 * (XADD: wrong type, out of memory) stands before what cannot. Scripts that
 * hold the lead, or give room, are allowed when Redis is full.
 *
 * meta.leader is the token of who raised the epoch last: on a Redis that lost
 * its newest writes two brokers could come to the same number. meta.run is the
 * run_id of the Redis in which a leader last found everything: in another run
 * the end may be missing.
 */
#include "broker/redis_scripts.h"

#define WHEN_FULL "#!lua flags=allow-oom\n"
#define FENCE                                                                  \
    "if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return {0} end\n"
#define RUN                                                                    \
    "local run = string.match(redis.call('INFO', 'server'),\n"                 \
    "    'run_id:(%x+)') or ''\n"
#define META                                                                   \
    "local m = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'digest',\n"       \
    "    'canvas', 'born', 'chain', 'run', 'leader', 'format')\n" RUN          \
    "local sure = run ~= '' and m[7] == run\n"
#define NOW                                                                    \
    "local t = redis.call('TIME')\n"                                           \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
/* Says for 3 s that `token` holds a history up to `seq` in memory. */
#define CLAIM(token, seq)                                                      \
    "if tonumber(" seq ") > 0 then\n"                                          \
    "    redis.call('HSET', KEYS[6], " token ",\n"                             \
    "        string.format('%.0f %s', now + 3000, " seq "))\n"                 \
    "end\n"

const char *const redis_scripts[SCRIPTS] = {
    /* token, lease ms, an epoch known elsewhere, own epoch, seq held in memory,
     * grace ms, "seq chain" from which the caller's history goes on, format, a
     * random leap.
     *
     * The claims of all who bid are kept for 3 s: in a Redis that may have lost
     * its end, whoever holds more than the others leads, once all had the grace
     * to come. The highest epoch that any of them knew is kept there as well:
     * one who is refused may know what Redis has forgotten. What nobody in
     * reach knows any more may still be in the mind of one who is not: where
     * Redis may have lost something, the epoch leaps. */
    [SCRIPT_LEAD] = WHEN_FULL META NOW
    "if tonumber(m[9] or 0) > tonumber(ARGV[8]) then\n"
    "    return {0, 'format', m[9]}\n"
    "end\n"
    "local e, own, holds = tonumber(m[1] or 0), tonumber(ARGV[4]),\n"
    "    tonumber(ARGV[5])\n"
    "local mine = own > 0 and e == own and m[8] == ARGV[1]\n"
    "local seen = tonumber(redis.call('HGET', KEYS[6], 'epoch') or 0)\n"
    "if math.max(own, tonumber(ARGV[3])) > seen then\n"
    "    seen = math.max(own, tonumber(ARGV[3]))\n"
    "    redis.call('HSET', KEYS[6], 'epoch', seen)\n"
    "end\n"
    "local longest, claims = 0, redis.call('HGETALL', KEYS[6])\n"
    "for i = 1, #claims, 2 do\n"
    "    local till, seq = string.match(claims[i + 1], '^(%d+) (%d+)$')\n"
    "    if till and tonumber(till) < now then\n"
    "        redis.call('HDEL', KEYS[6], claims[i])\n"
    "    elseif till and claims[i] ~= ARGV[1] then\n"
    "        longest = math.max(longest, tonumber(seq))\n"
    "    end\n"
    "end\n" CLAIM(
        "ARGV[1]",
        "ARGV[5]") "local held = redis.call('GET', KEYS[4])\n"
                   "if held and held ~= ARGV[1] then\n"
                   "    local ttl = redis.call('PTTL', KEYS[4])\n"
                   "    if ttl < 0 or ttl > tonumber(ARGV[2]) then\n"
                   "        ttl = ARGV[2]\n"
                   "        redis.call('PEXPIRE', KEYS[4], ttl)\n"
                   "    end\n"
                   "    local at = (m[2] or '0') .. ' ' .. (m[6] or "
                   "string.rep('0', 32))\n"
                   "    if ARGV[7] ~= at or longest >= holds then\n"
                   "        return {0, 'held', tostring(ttl)}\n"
                   "    end\n"
                   "end\n"
                   "if not sure and (m[2] or holds > 0) then\n"
                   "    if longest > holds then return {0, 'shorter', '100'} "
                   "end\n"
                   "    local since = redis.call('HMGET', KEYS[6], 'run', "
                   "'since')\n"
                   "    if since[1] ~= run or not since[2] then\n"
                   "        redis.call('HSET', KEYS[6], 'run', run,\n"
                   "            'since', string.format('%.0f', now))\n"
                   "        since[2] = now\n"
                   "    end\n"
                   "    local left = since[2] + ARGV[6] - now\n"
                   "    if tonumber(ARGV[6]) > 0 and left > 0 then\n"
                   "        return {0, 'waits', tostring(left)}\n"
                   "    end\n"
                   "end\n"
                   "redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])\n"
                   "if not mine or e <= tonumber(ARGV[3]) or e < seen then\n"
                   "    seen = math.max(e, seen)\n"
                   "    e = seen + 1\n"
                   "    if not sure and seen > 0 and seen < 2147483648 then\n"
                   "        e = e + ARGV[9]\n"
                   "    end\n"
                   "    redis.call('HSET', KEYS[1], 'epoch', e, 'leader', "
                   "ARGV[1])\n"
                   "end\n"
                   "return {1, tostring(e), m[2], m[3], m[4], m[5], m[6], sure "
                   "and 1 or 0}\n",
    /* epoch, token, lease ms, seq held in memory (0: Redis holds all) */
    [SCRIPT_RENEW] = WHEN_FULL FENCE
    "local held = redis.call('GET', KEYS[4])\n"
    "if held and held ~= ARGV[2] then return {0} end\n"
    "redis.call('SET', KEYS[4], ARGV[2], 'PX', ARGV[3])\n" NOW CLAIM(
        "ARGV[2]", "ARGV[4]") "return {1}\n",
    /* token */
    [SCRIPT_RELEASE] = WHEN_FULL
    "redis.call('HDEL', KEYS[6], ARGV[1])\n"
    "if redis.call('GET', KEYS[4]) ~= ARGV[1] then return {0} end\n"
    "redis.call('DEL', KEYS[4])\n"
    "return {1}\n",
    /* epoch, format: everything that is known is here, in this run */
    [SCRIPT_VOUCH] = WHEN_FULL FENCE RUN
    "redis.call('HSET', KEYS[1], 'run', run, 'format', ARGV[2])\n"
    "return {1}\n",
    /* last seq held, entries at most: what follows, up to the committed seq */
    [SCRIPT_FOLLOW] =
        META "local log = {}\n"
             "if m[2] and tonumber(m[2]) > tonumber(ARGV[1]) then\n"
             "    log = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0',\n"
             "        m[2] .. '-0', 'COUNT', ARGV[2])\n"
             "end\n"
             "return {1, m[1], m[2], m[3], m[4], m[5], m[6], sure and 1 or 0,\n"
             "    redis.call('PTTL', KEYS[4]), log,\n"
             "    redis.call('HGET', KEYS[1], 'trimmed')}\n",
    /* epoch, from, to, digest, records, chain at from, chain at to, the policy
     * anew or nothing, control records to append to it, then for each chunk of
     * pixels the number of its words and the words (batch.h) */
    [SCRIPT_COMMIT] =
        "local m = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'chain')\n"
        "if m[1] ~= ARGV[1] or m[2] ~= ARGV[2] or m[3] ~= ARGV[6] then\n"
        "    return {0}\n"
        "end\n"
        "redis.call('XADD', KEYS[2], ARGV[3] .. '-0', 'b', ARGV[6],\n"
        "    'r', ARGV[5])\n"
        "if #ARGV[8] > 0 then redis.call('SET', KEYS[8], ARGV[8]) end\n"
        "if #ARGV[9] > 0 then redis.call('APPEND', KEYS[8], ARGV[9]) end\n"
        "for i = 10, #ARGV, 2 do\n"
        "    redis.call('BITFIELD', KEYS[3],\n"
        "        struct.unpack(string.rep('Bc0', ARGV[i]), ARGV[i + 1]))\n"
        "end\n"
        "redis.call('HSET', KEYS[1], 'seq', ARGV[3], 'digest', ARGV[4],\n"
        "    'chain', ARGV[7])\n"
        "return {1}\n",
    /* epoch, 1 for the first part, then for each entry its last seq, the chain
     * before it and its records: into a log of its own */
    [SCRIPT_PUT_LOG] = FENCE
    "if ARGV[2] == '1' then redis.call('DEL', KEYS[5]) end\n"
    "for i = 3, #ARGV, 3 do\n"
    "    redis.call('XADD', KEYS[5], ARGV[i] .. '-0', 'b', ARGV[i + 1],\n"
    "        'r', ARGV[i + 2])\n"
    "end\n"
    "return {1}\n",
    /* epoch, offset, bytes: into a board of its own */
    [SCRIPT_PUT_PART] =
        FENCE "if ARGV[2] == '0' then redis.call('DEL', KEYS[7]) end\n"
              "redis.call('SETRANGE', KEYS[7], ARGV[2], ARGV[3])\n"
              "return {1}\n",
    /* epoch, seq, digest, canvas, born, chain, format, bytes of the board of
     * its own, 1 if the log of its own is the whole log, not its end, policy.
     * What stands in the log behind the committed seq was never committed. */
    [SCRIPT_PUT_BOARD] = FENCE RUN
    "if redis.call('STRLEN', KEYS[7]) ~= tonumber(ARGV[8]) then\n"
    "    return {0}\n"
    "end\n"
    "if ARGV[9] == '1' then\n"
    "    redis.call('DEL', KEYS[2])\n"
    "    if redis.call('EXISTS', KEYS[5]) == 1 then\n"
    "        redis.call('RENAME', KEYS[5], KEYS[2])\n"
    "    end\n"
    "else\n"
    "    local seq = redis.call('HGET', KEYS[1], 'seq') or '0'\n"
    "    local tail = redis.call('XRANGE', KEYS[2], '(' .. seq .. '-0', '+')\n"
    "    for _, entry in ipairs(tail) do\n"
    "        redis.call('XDEL', KEYS[2], entry[1])\n"
    "    end\n"
    "    if #tail > 0 then redis.call('XSETID', KEYS[2], seq .. '-0') end\n"
    "    for _, entry in ipairs(redis.call('XRANGE', KEYS[5], '-', '+')) do\n"
    "        redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))\n"
    "    end\n"
    "    redis.call('DEL', KEYS[5])\n"
    "end\n"
    "redis.call('RENAME', KEYS[7], KEYS[3])\n"
    "redis.call('SET', KEYS[8], ARGV[10])\n"
    "redis.call('HSET', KEYS[1], 'seq', ARGV[2], 'digest', ARGV[3],\n"
    "    'canvas', ARGV[4], 'born', ARGV[5], 'chain', ARGV[6],\n"
    "    'format', ARGV[7], 'run', run)\n"
    "return {1}\n",
    /* epoch, upto, upto + 1 */
    [SCRIPT_TRIM] = WHEN_FULL FENCE
    "redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[3] .. '-0')\n"
    "redis.call('HSET', KEYS[1], 'trimmed', ARGV[2])\n"
    "return {1}\n",
    /* epoch, canvas */
    [SCRIPT_CANVAS] =
        WHEN_FULL FENCE "redis.call('HSET', KEYS[1], 'canvas', ARGV[2])\n"
                        "return {1}\n",
};

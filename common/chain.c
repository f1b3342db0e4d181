/* SPDX-License-Identifier: Apache-2.0
 *
 * See chain.h.
 */
#include "common/chain.h"

#include "common/cursor.h"
#include "common/record.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static chain_t s_hash(const void *bytes, size_t size)
{
    chain_t chain;
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
    _Static_assert(sizeof canonical == sizeof chain, "both are 16 bytes");
    memcpy(chain.bytes, canonical.digest, sizeof chain);
    return chain;
}

chain_t chain_legacy_origin(void)
{
    static const char text[] = "stipple 0.1.0";
    return s_hash(text, sizeof text - 1);
}

chain_t chain_of_board(uint64_t seq, uint32_t digest)
{
    uint8_t bytes[32];
    writer_t w = writer_of(bytes, sizeof bytes);
    write_bytes(&w, "stipple board", 13);
    write_u64(&w, seq);
    write_u32(&w, digest);
    assert(!w.full);
    return s_hash(bytes, (size_t)(w.at - bytes));
}

chain_t chain_extend(chain_t chain, const uint8_t *records, size_t count)
{
    uint8_t bytes[CHAIN_BYTES + RECORD_BYTES];
    assert(records || !count);
    if (!chain_known(chain))
        return chain;
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes, chain.bytes, CHAIN_BYTES);
        memcpy(bytes + CHAIN_BYTES, records + i * RECORD_BYTES, RECORD_BYTES);
        chain = s_hash(bytes, sizeof bytes);
    }
    return chain;
}

void chain_to_hex(chain_t chain, char hex[CHAIN_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < CHAIN_BYTES; i++) {
        hex[2 * i] = digits[chain.bytes[i] >> 4];
        hex[2 * i + 1] = digits[chain.bytes[i] & 15];
    }
    hex[2 * CHAIN_BYTES] = '\0';
}

static int s_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int chain_from_hex(chain_t *chain, const char *text, size_t size)
{
    chain_t read;
    if (size != 2 * CHAIN_BYTES)
        return -1;
    for (size_t i = 0; i < CHAIN_BYTES; i++) {
        int high = s_digit(text[2 * i]), low = s_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        read.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *chain = read;
    return 0;
}

static chain_t s_chain_at(const history_view_t *view, uint64_t seq)
{
    assert(seq <= view->head.seq);
    if (seq == view->head.seq)
        return view->head.chain;
    return view->chain_at ? view->chain_at(view->context, seq) : CHAIN_UNKNOWN;
}

/* They differ at `differs`: goes down to the first seq that does, as far as
 * both can tell. Chains that differ once differ for ever after. */
static uint64_t s_fork(const history_view_t *a, const history_view_t *b,
                       uint64_t differs)
{
    uint64_t least = 0; /* nothing below is worth asking */
    while (least < differs) {
        uint64_t middle = least + (differs - least) / 2;
        chain_t of_a = s_chain_at(a, middle), of_b = s_chain_at(b, middle);
        if (chain_differs(of_a, of_b))
            differs = middle;
        else
            least = middle + 1;
    }
    return differs;
}

static bool s_has_begun(const position_t *head)
{
    return head->seq || chain_known(head->chain);
}

history_relation_t history_relate(const history_view_t *mine,
                                  const history_view_t *theirs,
                                  uint64_t *forked_at)
{
    uint64_t a = mine->head.seq, b = theirs->head.seq;
    uint64_t shorter = a < b ? a : b;
    chain_t of_mine = s_chain_at(mine, shorter);
    chain_t of_theirs = s_chain_at(theirs, shorter);
    bool empty = !s_has_begun(&mine->head) || !s_has_begun(&theirs->head);
    if (chain_differs(of_mine, of_theirs)) {
        if (forked_at)
            *forked_at = s_fork(mine, theirs, shorter);
        return HISTORY_FORKED;
    }
    if (!empty && (!chain_known(of_mine) || !chain_known(of_theirs)))
        return HISTORY_UNKNOWN;
    return a == b ? HISTORY_EQUAL : a > b ? HISTORY_CONTINUES : HISTORY_BEHIND;
}

const char *history_relation_word(history_relation_t relation)
{
    switch (relation) {
    case HISTORY_UNKNOWN:
        return "unknown";
    case HISTORY_EQUAL:
        return "equal";
    case HISTORY_CONTINUES:
        return "continues";
    case HISTORY_BEHIND:
        return "behind";
    case HISTORY_FORKED:
        return "forked";
    }
    return "unknown";
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See address_limits.h. A hash table of addresses that are connected or took
 * something lately; each limit is one number, the time at which all that was
 * taken has come back (the generic cell rate algorithm).
 */
#include "edge/address_limits.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "edge/bucket.h"
#include "edge/config.h"
#include "edge/edge.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define MINUTE_US 60000000ull

/* What comes back with time. */
typedef enum {
    TAKEN_IDENTITIES,
    TAKEN_HANDSHAKES,
    TAKEN_BYTES,
    TAKEN_LOOKUPS,
    TAKEN
} taken_t;

typedef struct {
    address_t address; /* masked: the key */
    uint32_t connections;
    bool forwards, told;        /* sent X-Forwarded-For; the log says so */
    uint64_t full_at_us[TAKEN]; /* monotonic */
    UT_hash_handle hh;
} entry_t;

/* Addresses that agree with `address` in the first `bits`. */
typedef struct {
    address_t address;
    unsigned bits;
} network_t;

struct address_limits {
    const edge_config_t *config;
    network_t *proxies;
    size_t proxies_count;
    entry_t *entries;
    uint64_t told_at_us; /* of a forgotten proxy; 0: not yet */
};

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool s_is_v4(const address_t *address)
{
    return !memcmp(address->bytes, mapped, sizeof mapped);
}

address_t address_of(const struct sockaddr *peer)
{
    address_t address = {{0}};
    if (peer->sa_family == AF_INET6) {
        memcpy(address.bytes,
               &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
               16);
    } else if (peer->sa_family == AF_INET) {
        memcpy(address.bytes, mapped, sizeof mapped);
        memcpy(address.bytes + sizeof mapped,
               &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    }
    return address;
}

int address_parse(const char *text, address_t *address)
{
    char bare[INET6_ADDRSTRLEN];
    bool bracket = *text == '[';
    size_t length = bracket ? strcspn(++text, "]") : strlen(text);
    if (!bracket && strchr(text, '.')) /* IPv4, maybe with a port */
        length =
            strcspn(text, strchr(text, ':') == strrchr(text, ':') ? ":" : "");
    if (length >= sizeof bare)
        return -1;
    memcpy(bare, text, length);
    bare[length] = '\0';
    struct in_addr v4;
    if (!bracket && inet_pton(AF_INET, bare, &v4) == 1) {
        memcpy(address->bytes, mapped, sizeof mapped);
        memcpy(address->bytes + sizeof mapped, &v4, 4);
        return 0;
    }
    return inet_pton(AF_INET6, bare, address->bytes) == 1 ? 0 : -1;
}

static bool s_within(const network_t *network, const address_t *address)
{
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return !memcmp(network->address.bytes, address->bytes, whole) &&
           (!rest ||
            !((network->address.bytes[whole] ^ address->bytes[whole]) & mask));
}

static bool s_is_loopback(const address_t *address)
{
    static const uint8_t v6[16] = {[15] = 1};
    return (s_is_v4(address) && address->bytes[12] == 127) ||
           !memcmp(address->bytes, v6, sizeof v6);
}

static bool s_is_proxy(const address_limits_t *self, const address_t *address)
{
    for (size_t i = 0; i < self->proxies_count; i++)
        if (s_within(&self->proxies[i], address))
            return true;
    return false;
}

bool address_limits_exempt(const address_limits_t *self,
                           const address_t *address)
{
    return (s_is_loopback(address) && !self->config->limit_loopback) ||
           s_is_proxy(self, address);
}

/* "10.0.0.0/8" or one address. */
static int s_parse_network(const char *text, size_t length, network_t *network)
{
    char buffer[INET6_ADDRSTRLEN + 8];
    if (length >= sizeof buffer)
        return -1;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    char *slash = strchr(buffer, '/');
    if (slash)
        *slash = '\0';
    if (address_parse(buffer, &network->address) < 0)
        return -1;
    bool v4 = s_is_v4(&network->address) && !strchr(buffer, ':');
    long bits = slash ? strtol(slash + 1, NULL, 10) : v4 ? 32 : 128;
    if (bits < 0 || bits > (v4 ? 32 : 128))
        return -1;
    network->bits = (unsigned)bits + (v4 ? 96 : 0);
    return 0;
}

/* -1, with a line in the log, at the first entry that is no network. */
static int s_parse_proxies(address_limits_t *self, const char *list)
{
    for (const char *at = list; at && *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        network_t network;
        if (length && s_parse_network(at, length, &network) < 0) {
            char quoted[128];
            log_error("bad_trusted_proxies", "value=%s",
                      log_quote(quoted, sizeof quoted, list));
            return -1;
        }
        if (length) {
            self->proxies = mem_realloc(self->proxies, self->proxies_count + 1,
                                        sizeof *self->proxies);
            self->proxies[self->proxies_count++] = network;
        }
        at += length;
    }
    return 0;
}

address_limits_t *address_limits_new(const struct edge *edge)
{
    address_limits_t *self = mem_zalloc(1, sizeof *self);
    self->config = edge->config;
    if (s_parse_proxies(self, edge->config->trusted_proxies) < 0)
        address_limits_destroy(&self);
    return self;
}

static void s_remove(address_limits_t *self, entry_t *entry)
{
    HASH_DEL(self->entries, entry);
    free(entry);
}

void address_limits_destroy(address_limits_t **self_p)
{
    address_limits_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    entry_t *entry, *next;
    HASH_ITER(hh, self->entries, entry, next)
    {
        s_remove(self, entry);
    }
    free(self->proxies);
    free(self);
}

static uint64_t s_now_us(void)
{
    return clock_mono_ms() * 1000;
}

static bool s_idle(const entry_t *entry)
{
    uint64_t now_us = s_now_us();
    for (int i = 0; i < TAKEN; i++)
        if (entry->full_at_us[i] > now_us)
            return false;
    return !entry->connections;
}

address_t address_key(const address_t *address)
{
    address_t key = *address;
    if (!s_is_v4(address))
        memset(key.bytes + 8, 0, 8);
    return key;
}

static entry_t *s_find(address_limits_t *self, const address_t *address)
{
    address_t key = address_key(address);
    entry_t *entry;
    HASH_FIND(hh, self->entries, &key, sizeof key, entry);
    return entry;
}

/* Makes room by dropping who neither is connected nor waits. */
static void s_sweep(address_limits_t *self)
{
    entry_t *entry, *next;
    HASH_ITER(hh, self->entries, entry, next)
    {
        if (s_idle(entry))
            s_remove(self, entry);
    }
}

/* Finds or creates; NULL where the table is full. */
static entry_t *s_require(address_limits_t *self, const address_t *address)
{
    entry_t *entry = s_find(self, address);
    if (entry)
        return entry;
    if (HASH_COUNT(self->entries) >= ADDRESS_MAX)
        s_sweep(self);
    if (HASH_COUNT(self->entries) >= ADDRESS_MAX)
        return NULL;
    entry = mem_zalloc(1, sizeof *entry);
    entry->address = address_key(address);
    HASH_ADD(hh, self->entries, address, sizeof entry->address, entry);
    return entry;
}

/* A limit was reached: the operator who forgot a proxy is told. */
static void s_tell(address_limits_t *self, entry_t *entry, const char *limit)
{
    char text[INET6_ADDRSTRLEN];
    uint64_t now_us = s_now_us();
    if (!entry->forwards || entry->told ||
        (self->told_at_us && now_us < self->told_at_us + MINUTE_US))
        return;
    entry->told = true;
    self->told_at_us = now_us;
    const void *bytes = entry->address.bytes;
    bool v4 = s_is_v4(&entry->address);
    inet_ntop(v4 ? AF_INET : AF_INET6,
              v4 ? (const uint8_t *)bytes + sizeof mapped : bytes, text,
              sizeof text);
    log_warn("address_limited",
             "address=%s limit=%s hint=\"it sends X-Forwarded-For: a proxy of "
             "yours belongs in trusted_proxies\"",
             text, limit);
}

int address_limits_open(address_limits_t *self, const address_t *address)
{
    int64_t limit = self->config->connections_per_address;
    if (!limit || address_limits_exempt(self, address))
        return 0;
    entry_t *entry = s_require(self, address);
    if (!entry)
        return 0;
    if (entry->connections >= limit) {
        s_tell(self, entry, "connections_per_address");
        return -1;
    }
    entry->connections++;
    return 0;
}

void address_limits_close(address_limits_t *self, const address_t *address)
{
    if (address_limits_exempt(self, address))
        return;
    entry_t *entry = s_find(self, address);
    if (!entry)
        return;
    if (entry->connections)
        entry->connections--;
    if (s_idle(entry))
        s_remove(self, entry);
}

/* Takes `cost` of `limit`, which an address may take at once and which comes
 * back within a minute. 0, or the ms to wait. */
static uint32_t s_take(address_limits_t *self, const address_t *address,
                       taken_t what, size_t cost)
{
    const struct {
        int64_t limit;
        const char *name;
    } limits[TAKEN] = {
        {self->config->sessions_per_address, "sessions_per_address"},
        {self->config->handshakes_per_address, "handshakes_per_address"},
        {self->config->catch_up_per_address, "catch_up_per_address"},
        {self->config->lookups_per_address, "lookups_per_address"},
    };
    entry_t *entry = !limits[what].limit || address_limits_exempt(self, address)
                         ? NULL
                         : s_require(self, address);
    if (!entry)
        return 0;
    uint32_t wait_ms = bucket_spend(&entry->full_at_us[what], clock_mono_ms(),
                                    (uint64_t)limits[what].limit, cost);
    if (wait_ms)
        s_tell(self, entry, limits[what].name);
    return wait_ms;
}

uint32_t address_limits_session(address_limits_t *self,
                                const address_t *address)
{
    return s_take(self, address, TAKEN_IDENTITIES, 1);
}

uint32_t address_limits_handshake(address_limits_t *self,
                                  const address_t *address)
{
    return s_take(self, address, TAKEN_HANDSHAKES, 1);
}

int address_limits_catch_up(address_limits_t *self, const address_t *address,
                            size_t bytes)
{
    return s_take(self, address, TAKEN_BYTES, bytes) ? -1 : 0;
}

uint32_t address_limits_lookup(address_limits_t *self, const address_t *address)
{
    return s_take(self, address, TAKEN_LOOKUPS, 1);
}

void address_limits_note_forwarded(address_limits_t *self,
                                   const address_t *peer)
{
    entry_t *entry =
        address_limits_exempt(self, peer) ? NULL : s_find(self, peer);
    if (entry)
        entry->forwards = true;
}

address_t address_limits_client(const address_limits_t *self,
                                const address_t *peer,
                                const char *forwarded_for)
{
    address_t client = *peer;
    size_t end = forwarded_for ? strlen(forwarded_for) : 0;
    /* From the right: each entry was written by the hop we trusted last. */
    while (end && s_is_proxy(self, &client)) {
        size_t start = end;
        while (start && forwarded_for[start - 1] != ',')
            start--;
        char entry[64];
        const char *at = forwarded_for + start;
        size_t blank = strspn(at, " \t");
        size_t length = end > start + blank ? end - start - blank : 0;
        while (length && strchr(" \t", at[blank + length - 1]))
            length--;
        if (length >= sizeof entry)
            break;
        memcpy(entry, at + blank, length);
        entry[length] = '\0';
        if (address_parse(entry, &client) < 0)
            break;
        end = start ? start - 1 : 0;
    }
    return client;
}

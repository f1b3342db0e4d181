/* SPDX-License-Identifier: Apache-2.0
 *
 * See address.h. A hash table of addresses that are connected or took a
 * session lately; the sessions' limit is one number, the time at which all of
 * them have come back (the generic cell rate algorithm).
 */
#include "edge/address.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "edge/config.h"
#include "edge/edge.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define MINUTE_US 60000000ull

typedef struct {
    address_t address; /* masked: the key */
    uint32_t connections;
    uint64_t sessions_full_at_us; /* monotonic */
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

static bool s_exempt(const address_limits_t *self, const address_t *address)
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
    return !entry->connections && entry->sessions_full_at_us <= s_now_us();
}

static address_t s_key(const address_t *address)
{
    address_t key = *address;
    if (!s_is_v4(address))
        memset(key.bytes + 8, 0, 8);
    return key;
}

static entry_t *s_find(address_limits_t *self, const address_t *address)
{
    address_t key = s_key(address);
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
    entry->address = s_key(address);
    HASH_ADD(hh, self->entries, address, sizeof entry->address, entry);
    return entry;
}

int address_limits_open(address_limits_t *self, const address_t *address)
{
    int64_t limit = self->config->connections_per_address;
    if (!limit || s_exempt(self, address))
        return 0;
    entry_t *entry = s_require(self, address);
    if (!entry)
        return 0;
    if (entry->connections >= limit)
        return -1;
    entry->connections++;
    return 0;
}

void address_limits_close(address_limits_t *self, const address_t *address)
{
    if (s_exempt(self, address))
        return;
    entry_t *entry = s_find(self, address);
    if (!entry)
        return;
    if (entry->connections)
        entry->connections--;
    if (s_idle(entry))
        s_remove(self, entry);
}

uint32_t address_limits_session(address_limits_t *self,
                                const address_t *address)
{
    uint64_t limit = (uint64_t)self->config->sessions_per_address;
    if (!limit || s_exempt(self, address))
        return 0;
    entry_t *entry = s_require(self, address);
    if (!entry)
        return 0;
    uint64_t now = s_now_us(), each = MINUTE_US / limit;
    uint64_t full =
        entry->sessions_full_at_us > now ? entry->sessions_full_at_us : now;
    uint64_t deepest = now + each * (limit - 1);
    if (full > deepest)
        return (uint32_t)((full - deepest + 999) / 1000);
    entry->sessions_full_at_us = full + each;
    return 0;
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

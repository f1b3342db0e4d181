/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus.h: paths between hosts.
 */
#include "tests/sim/bus.h"

#include <string.h>

#define LATENCY_LEAST (30 * MS / 1000)
#define LATENCY_MOST (400 * MS / 1000)

static bool s_cut[HOSTS_MAX][HOSTS_MAX];
static uint64_t s_delay[HOSTS_MAX][HOSTS_MAX];
void (*on_net_heal)(void);

void net_reset(void)
{
    memset(s_cut, 0, sizeof s_cut);
    memset(s_delay, 0, sizeof s_delay);
}

void net_cut(unsigned from, unsigned to, bool cut)
{
    bool was = s_cut[from][to];
    s_cut[from][to] = cut;
    if (was == cut)
        return;
    bus_look();
    if (!cut)
        on_net_heal();
}

bool net_is_cut(unsigned from, unsigned to)
{
    return s_cut[from][to];
}

void net_delay(unsigned from, unsigned to, uint64_t delay)
{
    s_delay[from][to] = delay;
}

uint64_t net_latency(unsigned from, unsigned to)
{
    uint64_t delay = s_delay[from][to];
    if (from == to)
        return rng_range(5000, 50000);
    return rng_range(LATENCY_LEAST, LATENCY_MOST) +
           (delay ? rng_range(delay / 2, delay) : 0);
}

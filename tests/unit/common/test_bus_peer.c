/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus_peer.h"

#include "common/bus.h"

#include <check.h>

Suite *suite_common_bus_peer(void);

START_TEST(only_our_format_is_let_in)
{
    bus_peer_t peer = {0};
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_beat(bytes, &(bus_beat_t){.epoch = 1});
    ck_assert(bus_peer_fits(&peer, "broker", bytes, size, 1));
    ck_assert_uint_eq(peer.said_at_ms, 0);
    bytes[1] = BUS_FORMAT + 1;
    ck_assert(!bus_peer_fits(&peer, "broker", bytes, size, 5));
    ck_assert_uint_eq(peer.said_at_ms, 5);
    ck_assert(!bus_peer_fits(&peer, "broker", bytes, size, 9000));
    ck_assert_uint_eq(peer.said_at_ms, 5); /* said a moment ago */
    const uint8_t old[25] = {0x21};        /* 0.1.0's BEAT */
    ck_assert(!bus_peer_fits(&peer, "broker", old, sizeof old, 10005));
    ck_assert_uint_eq(peer.said_at_ms, 10005);
    ck_assert(bus_peer_fits(&peer, "broker", "", 0, 20005));
}
END_TEST

Suite *suite_common_bus_peer(void)
{
    Suite *suite = suite_create("common/bus_peer");
    TCase *all = tcase_create("all");
    tcase_add_test(all, only_our_format_is_let_in);
    suite_add_tcase(suite, all);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between the processes: every decoder on the same bytes.
 */
#include "common/bus_errand.h"
#include "common/bus_look.h"
#include "common/bus_query.h"
#include "common/bus_taken.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bus_place_t places[BUS_PLACES_MAX];
    static bus_verdict_t verdicts[BUS_PLACES_MAX];
    static record_t records[64];
    static selection_t hidden[BUS_HIDDEN_MAX];
    bus_below_ask_t below_ask = {.hidden = hidden};
    union {
        bus_sync_t sync;
        bus_beat_t beat;
        bus_report_t report;
        bus_acked_t acked;
        bus_persister_t persister;
        bus_grant_t grant;
        bus_replay_t replay;
        bus_query_t query;
        bus_answer_t answer;
        bus_page_t page;
        bus_board_t board;
        bus_body_t body;
        bus_chain_t chain;
        bus_look_t look;
        bus_looked_t looked;
        bus_below_t below;
        bus_errand_t errand;
        bus_taken_t taken[BUS_TAKEN_MAX];
        uint64_t seq;
    } m;
    bus_decode_places(places, data, size);
    bus_decode_verdicts(verdicts, data, size);
    bus_decode_sync(&m.sync, data, size);
    bus_decode_beat(&m.beat, data, size);
    bus_decode_report(&m.report, data, size);
    bus_decode_acked(&m.acked, data, size);
    bus_decode_persister(&m.persister, data, size);
    bus_decode_grant(&m.grant, data, size);
    bus_decode_replay(&m.replay, data, size);
    bus_decode_query(&m.query, data, size);
    bus_decode_answer(&m.answer, data, size);
    bus_decode_page(&m.page, data, size);
    bus_decode_chain(&m.chain, data, size);
    bus_decode_chain_ask(&m.seq, data, size);
    bus_decode_errand(&m.errand, BUS_ERRAND, data, size);
    bus_decode_errand(&m.errand, BUS_ERRAND_DONE, data, size);
    bus_decode_taken(m.taken, data, size);
    bus_decode_taken_rows(m.taken, data, size);
    bus_peer_format(data, size);
    bus_decode_look(&m.look, data, size);
    bus_decode_looked(&m.looked, data, size);
    bus_decode_below_ask(&below_ask, data, size);
    bus_decode_below(&m.below, data, size);
    bus_decode_board(&m.board, data, size);
    if (bus_decode_body(&m.body, data, size) == 0)
        records_decode(m.body.body, m.body.size, 0, records, 64);
    return 0;
}

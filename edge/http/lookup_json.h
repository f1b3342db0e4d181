/* SPDX-License-Identifier: Apache-2.0
 *
 * What look-ups in the history answer, as JSON.
 */
#ifndef EDGE_HTTP_LOOKUP_JSON_H
#define EDGE_HTTP_LOOKUP_JSON_H

#include "common/bus_query.h"
#include "edge/http/blob.h"

#define LOOKUP_JSON_MAX 256

/* {"x","y","color","seq","placed_at","user"} of the newest placement. Each
 * returns the length. */
size_t lookup_json_pixel(char text[LOOKUP_JSON_MAX], const record_t *record);
/* The same where nobody placed yet. */
size_t lookup_json_blank(char text[LOOKUP_JSON_MAX], uint16_t x, uint16_t y);
/* {"user","last_placement","cooldown_remaining_ms"}; last may be NULL. */
size_t lookup_json_user(char text[LOOKUP_JSON_MAX], uint64_t user,
                        const record_t *last, uint32_t remaining_ms);

/* {"placements":[{"seq","placed_at","user","color"}],"before"} of a HISTORY's
 * page; {"snapshots":[{"seq","taken_at"}]}, oldest first, of a SNAPSHOTS'. */
blob_t *lookup_json_history(const bus_page_t *page);
blob_t *lookup_json_snapshots(const bus_page_t *page);

#endif

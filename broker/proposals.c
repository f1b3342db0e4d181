/* SPDX-License-Identifier: Apache-2.0
 *
 * See proposals.h.
 */
#include "broker/proposals.h"

#include "common/backoff.h"
#include "common/token.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

proposal_t *proposals_find(proposals_t *self, uint32_t number, uint64_t now_ms)
{
    for (size_t i = 0; i < PROPOSALS_MAX; i++)
        if (self->table[i].number == number &&
            proposal_lives(&self->table[i], now_ms))
            return &self->table[i];
    return NULL;
}

const proposal_t *proposals_of_second(const proposals_t *self, uint64_t second,
                                      uint32_t request, uint64_t now_ms)
{
    for (size_t i = 0; i < PROPOSALS_MAX; i++) {
        const proposal_t *place = &self->table[i];
        if (proposal_lives(place, now_ms) && place->second == second &&
            place->control.request == request)
            return place;
    }
    return NULL;
}

static bool s_is_same(const proposal_t *self, const control_t *control)
{
    return control->request && self->control.by == control->by &&
           self->control.request == control->request;
}

/* By chance, so that one that another leader knew is not approved here. */
static uint32_t s_new_number(proposals_t *self, uint64_t now_ms)
{
    uint32_t number;
    do
        number = (uint32_t)(random_u64() >> 33);
    while (!number || proposals_find(self, number, now_ms));
    return number;
}

proposal_t *proposals_put(proposals_t *self, const control_t *control,
                          uint64_t now_ms)
{
    proposal_t *free_place = NULL;
    assert(control->verb == CONTROL_ROLLBACK ||
           control->verb == CONTROL_RESTORE);
    for (size_t i = 0; i < PROPOSALS_MAX; i++) {
        proposal_t *place = &self->table[i];
        if (!proposal_lives(place, now_ms))
            free_place = place;
        else if (s_is_same(place, control))
            return place;
    }
    if (free_place)
        *free_place = (proposal_t){.number = s_new_number(self, now_ms),
                                   .control = *control,
                                   .ends_ms = now_ms + PROPOSAL_MS};
    return free_place;
}

void proposals_clear(proposals_t *self)
{
    *self = (proposals_t){0};
}

/* The longest beginning of a text that has at most `most` bytes and ends with a
 * whole character of UTF-8. */
static int s_whole(const char *text, size_t most)
{
    size_t length = strlen(text);
    if (length <= most)
        return (int)length;
    length = most;
    while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return (int)length;
}

control_t proposal_approved(const proposal_t *self, uint64_t by)
{
    control_t control = self->control;
    const char *reason = self->control.text;
    char who[USER_HEX_BYTES], note[USER_HEX_BYTES + 16];
    user_to_hex(by, who);
    snprintf(note, sizeof note,
             *reason ? " (approved by %s)" : "approved by %s", who);
    snprintf(control.text, sizeof control.text, "%.*s%s",
             s_whole(reason, CONTROL_TEXT_MAX - strlen(note)), reason, note);
    return control;
}

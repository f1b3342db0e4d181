/* SPDX-License-Identifier: Apache-2.0
 *
 * See takeback_limits.h.
 */
#include "broker/takeback_limits.h"

#include <inttypes.h>

json_t *takeback_figures(const takeback_t *self, uint32_t pixels)
{
    return json_pack("{s:b, s:s, s:I, s:I, s:I}", "ok", 1, "verb",
                     control_word(self->control.verb), "pixels",
                     (json_int_t)pixels, "placements",
                     (json_int_t)self->below.placements, "spared",
                     (json_int_t)self->below.spared);
}

const char *takeback_objection(const takeback_t *self, const parts_t *parts,
                               const char **code)
{
    const bus_below_t *below = &self->below;
    *code = "bad_request";
    if (below->status == BELOW_TOO_MANY)
        return "more than 1048576 pixels would change: name a smaller box";
    if (!below->placements && !self->seq)
        return takeback_is_restore(self) ? "nothing of it is left to restore"
                                         : "no placement fits";
    *code = "role_too_low";
    if (!rank_reaches(self->control.rank, RANK_OPERATOR) &&
        below->count > TAKEBACK_MODERATOR_MAX)
        return "more than 10000 pixels would change: ask an operator";
    *code = "unavailable";
    return history_first(parts->world.history) > below->upto + 1
               ? "the store is too far behind"
               : NULL;
}

void takeback_note_refusal(takeback_t *self)
{
    control_t *note = &self->refused;
    *note = (control_t){.verb = CONTROL_REFUSED,
                        .rank = self->control.rank,
                        .by = self->control.by,
                        .of = self->of};
    note->of.upto = self->control.verb;
    snprintf(note->text, sizeof note->text, "%s of %" PRIu32 " pixels",
             control_word(self->control.verb), self->below.count);
    if (takeback_is_restore(self))
        snprintf(note->text + strlen(note->text), 64, ", seq %" PRIu64,
                 self->control.of.upto);
}

bool takeback_needs_second(const takeback_t *self, const parts_t *parts)
{
    int64_t alone = parts->config->two_person_pixels;
    return alone && (int64_t)self->below.count > alone && !self->approved;
}

json_t *takeback_propose(takeback_t *self, const parts_t *parts)
{
    proposal_t *proposal =
        proposals_put(&self->proposals, &self->control, parts->now.mono_ms);
    if (!proposal)
        return answer_refusal("unavailable",
                              "as many rollbacks as may be wait for a second "
                              "person already");
    proposal->pixels = self->below.count;
    proposal->placements = self->below.placements;
    json_t *answer = takeback_figures(self, proposal->pixels);
    json_object_set_new(answer, "proposal", json_integer(proposal->number));
    json_object_set_new(answer, "ends",
                        json_integer((json_int_t)proposal_ends_wall_ms(
                            proposal, parts->now.wall_ms, parts->now.mono_ms)));
    return answer;
}

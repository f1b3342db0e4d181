/* SPDX-License-Identifier: Apache-2.0
 *
 * See outcomes.h.
 */
#include "broker/outcomes.h"

void outcomes_put(outcomes_t *self, uint64_t by, uint32_t request,
                  json_t *answer)
{
    if (!request)
        return;
    outcome_t *place = &self->table[self->next];
    self->next = (self->next + 1) % OUTCOMES_MAX;
    json_decref(place->answer);
    *place = (outcome_t){by, request, json_incref(answer)};
}

json_t *outcomes_find(const outcomes_t *self, uint64_t by, uint32_t request)
{
    for (size_t back = 1; back <= OUTCOMES_MAX; back++) {
        const outcome_t *place =
            &self->table[(self->next + OUTCOMES_MAX - back) % OUTCOMES_MAX];
        if (place->answer && place->by == by && place->request == request)
            return place->answer;
    }
    return NULL;
}

void outcomes_clear(outcomes_t *self)
{
    for (size_t i = 0; i < OUTCOMES_MAX; i++)
        json_decref(self->table[i].answer);
    *self = (outcomes_t){0};
}

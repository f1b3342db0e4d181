/* SPDX-License-Identifier: Apache-2.0
 *
 * See takeback_progress.h.
 */
#include "broker/takeback_progress.h"

static json_t *s_standing(const char *verb, const char *state, uint32_t request)
{
    return json_pack("{s:b, s:s, s:s, s:I}", "ok", 1, "verb", verb, "state",
                     state, "key", (json_int_t)request);
}

json_t *takeback_standing(const takeback_t *self)
{
    const char *verb = control_word(self->control.verb);
    if (!self->seq)
        return s_standing(verb, "waiting", self->control.request);
    json_t *json = s_standing(verb, "writing", self->control.request);
    json_object_set_new(json, "seq", json_integer((json_int_t)self->seq));
    json_object_set_new(json, "placed", json_integer(self->placed));
    return json;
}

bool takeback_is_of(const takeback_t *self, uint64_t by, uint32_t request)
{
    return self->state != TAKEBACK_NONE && request && self->control.by == by &&
           self->control.request == request;
}

bool takeback_is_open(const policy_t *policy, uint64_t seq)
{
    const policy_rollback_t *open = policy_open(policy);
    uint64_t turned = policy_turned(policy);
    if (!open)
        return false;
    return turned ? turned == seq
                  : open->seq == seq || (open->of.has & HAS_RESTORING);
}

json_t *takeback_progress(const takeback_t *self, const parts_t *parts,
                          uint64_t by, uint32_t request)
{
    const policy_t *policy = parts->world.policy;
    json_t *outcome = outcomes_find(&self->outcomes, by, request);
    uint64_t seq = policy_request(policy, by, request);
    if (takeback_is_of(self, by, request))
        return takeback_standing(self);
    if (!outcome && !seq)
        return NULL;
    if (!outcome) {
        json_t *json = s_standing(
            "action", takeback_is_open(policy, seq) ? "writing" : "done",
            request);
        json_object_set_new(json, "seq", json_integer((json_int_t)seq));
        return json;
    }
    bool done = json_is_true(json_object_get(outcome, "ok"));
    json_t *json = s_standing("rollback", done ? "done" : "refused", request);
    json_object_update(json, outcome);
    json_object_set_new(json, "ok", json_true());
    return json;
}

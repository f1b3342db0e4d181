/* SPDX-License-Identifier: Apache-2.0
 *
 * See action_json.h.
 */
#include "persister/action_json.h"

void action_json_member(json_text_t *text, const char *name, uint64_t number)
{
    json_put(text, ",\"");
    json_put(text, name);
    json_put(text, "\":");
    json_put_number(text, number);
}

void action_json_user(json_text_t *text, const char *name, uint64_t user)
{
    json_put(text, ",\"");
    json_put(text, name);
    json_put(text, "\":\"");
    json_put_hex64(text, user);
    json_put(text, "\"");
}

static void s_put_box(json_text_t *text, const selection_t *of)
{
    const uint16_t corners[] = {of->x0, of->y0, of->x1, of->y1};
    json_put(text, ",\"box\":[");
    for (size_t i = 0; i < 4; i++) {
        json_put(text, i ? "," : "");
        json_put_number(text, corners[i]);
    }
    json_put(text, "]");
}

static bool s_has_box(const control_t *action)
{
    return action->verb == CONTROL_PROTECT ||
           action->verb == CONTROL_UNPROTECT || (action->of.has & HAS_BOX);
}

void action_json_put(json_text_t *text, const control_t *action)
{
    const selection_t *of = &action->of;
    json_put(text, "\"seq\":");
    json_put_number(text, action->seq);
    action_json_member(text, "at", action->at_ms);
    json_put(text, ",\"verb\":\"");
    json_put(text, control_word(action->verb));
    json_put(text, "\",\"role\":\"");
    json_put(text, rank_word(action->rank));
    json_put(text, "\"");
    action_json_user(text, "by", action->by);
    if (of->user)
        action_json_user(text, "user", of->user);
    if (of->from_ms)
        action_json_member(text, "from", of->from_ms);
    if (of->until_ms)
        action_json_member(text, "until", of->until_ms);
    if (s_has_box(action))
        s_put_box(text, of);
    if (action->verb == CONTROL_REFUSED) {
        json_put(text, ",\"refused\":\"");
        json_put(text, control_word((control_verb_t)of->upto));
        json_put(text, "\"");
    } else if (of->upto) {
        action_json_member(text, "of", of->upto);
    }
    if (*action->text) {
        json_put(text, ",\"text\":");
        json_put_string(text, action->text);
    }
}

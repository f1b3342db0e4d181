/* SPDX-License-Identifier: Apache-2.0
 *
 * See bulletin.h.
 */
#include "edge/ws/bulletin.h"

#include "common/control.h"
#include "common/wire_json.h"
#include "edge/ws/frames.h"
#include "edge/ws/session.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* To the user's connections. */
typedef struct {
    uint64_t user;
    const char *json;
} word_t;

static void s_tell(void *context, member_t *member)
{
    const word_t *word = context;
    session_t *session = (session_t *)member;
    if (session->player && session->user == word->user && !session->closing)
        session_notice(session, NOTICE_BANNED, word->json);
}

/* {"banned":true,"until":0,"reason":"…","seq":4711} */
static void s_on_ban(edge_t *edge, const control_t *control)
{
    bool banned = control->verb == CONTROL_BAN;
    json_t *json =
        json_pack("{s:b, s:I, s:s, s:I}", "banned", banned, "until",
                  banned ? (json_int_t)control->of.until_ms : 0, "reason",
                  control->text, "seq", (json_int_t)control->seq);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    word_t word = {control->of.user, text};
    if (text)
        sessions_each(edge->sessions, s_tell, &word);
    free(text);
    json_decref(json);
}

/* {"text":"…","at":1797828677000,"seq":4711} */
static void s_on_notice(edge_t *edge, const control_t *control)
{
    json_t *json =
        json_pack("{s:s, s:I, s:I}", "text", control->text, "at",
                  (json_int_t)control->at_ms, "seq", (json_int_t)control->seq);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text) {
        frames_set_message(edge->frames, text);
        sessions_attend(edge->sessions);
        sessions_hurry(edge->sessions);
    }
    free(text);
    json_decref(json);
}

void bulletin_on_policy(edge_t *edge, const bus_body_t *policy)
{
    record_t records[CONTROL_RECORDS_MAX];
    control_reader_t reader = {0};
    control_t control;
    int count = records_decode(policy->body, policy->size, 0, records,
                               CONTROL_RECORDS_MAX);
    bool whole = false;
    for (int i = 0; i < count; i++)
        whole = record_is_control(&records[i]) &&
                control_read(&reader, &records[i], &control);
    edge_count(edge, whole ? EDGE_ACTIONS : EDGE_BUS_BAD);
    if (!whole)
        return;
    if (control.verb == CONTROL_BAN || control.verb == CONTROL_UNBAN)
        s_on_ban(edge, &control);
    else if (control.verb == CONTROL_NOTICE)
        s_on_notice(edge, &control);
}

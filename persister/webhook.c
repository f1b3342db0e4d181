/* SPDX-License-Identifier: Apache-2.0
 *
 * See webhook.h.
 */
#include "persister/webhook.h"

#include "common/mem.h"
#include "common/token.h"
#include "persister/action_json.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

webhook_shape_t webhook_shape_of(const char *word)
{
    return !strcmp(word, "slack")     ? WEBHOOK_SLACK
           : !strcmp(word, "discord") ? WEBHOOK_DISCORD
                                      : WEBHOOK_JSON;
}

bool webhook_url_is_good(const char *url)
{
    const char *host = !strncmp(url, "http://", 7)    ? url + 7
                       : !strncmp(url, "https://", 8) ? url + 8
                                                      : "";
    return *host && *host != '/' && !strpbrk(host, " \t\r\n");
}

/* ---- in one line for people ---------------------------------------------- */

static void s_put_whom(FILE *to, const control_t *action)
{
    const selection_t *of = &action->of;
    char user[USER_HEX_BYTES];
    bool box = action->verb == CONTROL_PROTECT ||
               action->verb == CONTROL_UNPROTECT || (of->has & HAS_BOX);
    user_to_hex(of->user, user);
    if (of->user)
        fprintf(to, " %s", user);
    if (box)
        fprintf(to, " %u,%u,%u,%u", of->x0, of->y0, of->x1, of->y1);
    if (action->verb == CONTROL_RESTORE || action->verb == CONTROL_DONE)
        fprintf(to, " of seq %" PRIu64, of->upto);
    if (*action->text)
        fprintf(to, ": %s", action->text);
}

/* The caller's. */
static char *s_line(const control_t *action)
{
    char *line, by[USER_HEX_BYTES];
    size_t size;
    FILE *to = open_memstream(&line, &size);
    user_to_hex(action->by, by);
    fprintf(to, "%s", control_word(action->verb));
    s_put_whom(to, action);
    fprintf(to, " (%s %s, seq %" PRIu64 ")", rank_word(action->rank), by,
            action->seq);
    fclose(to);
    return line;
}

/* Slack takes <, > and & for markup: a text cannot call all of a channel. */
static void s_put_slack(json_text_t *text, const char *line)
{
    char *safe;
    size_t size;
    FILE *to = open_memstream(&safe, &size);
    for (const char *at = line; *at; at++)
        switch (*at) {
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '&':
            fputs("&amp;", to);
            break;
        default:
            fputc(*at, to);
        }
    fclose(to);
    json_put(text, "{\"text\":");
    json_put_string(text, safe);
    json_put(text, "}");
    free(safe);
}

void webhook_body(json_text_t *text, webhook_shape_t shape,
                  const control_t *action)
{
    char *line = s_line(action);
    json_text_clear(text);
    switch (shape) {
    case WEBHOOK_JSON:
        json_put(text, "{\"type\":\"action\",");
        action_json_put(text, action);
        json_put(text, "}");
        break;
    case WEBHOOK_SLACK:
        s_put_slack(text, line);
        break;
    case WEBHOOK_DISCORD:
        json_put(text, "{\"allowed_mentions\":{\"parse\":[]},\"content\":");
        json_put_string(text, line);
        json_put(text, "}");
        break;
    }
    free(line);
}

/* ---- the signature, and the answer ----------------------------------------
 */

void webhook_sign(char header[WEBHOOK_SIGNATURE_MAX], const char *secret,
                  size_t secret_size, uint64_t now_s, const json_text_t *body)
{
    uint8_t code[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char *message = mem_alloc(body->size + 32);
    int head = sprintf(message, "%" PRIu64 ".", now_s);
    memcpy(message + head, body->bytes, body->size);
    if (!HMAC(EVP_sha256(), secret, (int)secret_size, (uint8_t *)message,
              (size_t)head + body->size, code, &size))
        abort(); /* out of memory, as in mem_* */
    free(message);
    int at = snprintf(header, WEBHOOK_SIGNATURE_MAX,
                      "Stipple-Signature: t=%" PRIu64 ",v1=", now_s);
    for (unsigned i = 0; i < size; i++)
        at += snprintf(header + at, (size_t)(WEBHOOK_SIGNATURE_MAX - at),
                       "%02x", code[i]);
    assert(at < WEBHOOK_SIGNATURE_MAX);
}

webhook_verdict_t webhook_judge(int status)
{
    if (status >= 200 && status < 300)
        return WEBHOOK_TOLD;
    bool later = !status || status >= 500 || status == 429 || status == 408 ||
                 status == 425;
    return later ? WEBHOOK_AGAIN : WEBHOOK_NEVER;
}

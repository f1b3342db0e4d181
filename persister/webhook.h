/* SPDX-License-Identifier: Apache-2.0
 *
 * What a webhook is told of an action, and how it knows that it was we who told
 * it: the body in one of three shapes, and a signature over time and body.
 */
#ifndef PERSISTER_WEBHOOK_H
#define PERSISTER_WEBHOOK_H

#include "common/control.h"
#include "persister/json_text.h"

typedef enum {
    WEBHOOK_JSON = 0,
    WEBHOOK_SLACK,
    WEBHOOK_DISCORD
} webhook_shape_t;

/* Of "json", "slack" or "discord". */
webhook_shape_t webhook_shape_of(const char *word);

/* Whether it can be asked: http:// or https:// and a host. */
bool webhook_url_is_good(const char *url);

/* Into a text that is emptied first. */
void webhook_body(json_text_t *text, webhook_shape_t shape,
                  const control_t *action);

#define WEBHOOK_SIGNATURE_MAX 128
/* "Stipple-Signature: t=SECONDS,v1=HEX", where HEX is HMAC-SHA256 with the
 * secret over the seconds, a full stop and the body. */
void webhook_sign(char header[WEBHOOK_SIGNATURE_MAX], const char *secret,
                  size_t secret_size, uint64_t now_s, const json_text_t *body);

typedef enum { WEBHOOK_TOLD, WEBHOOK_AGAIN, WEBHOOK_NEVER } webhook_verdict_t;
/* What an HTTP status (0: no answer) means for the next try. */
webhook_verdict_t webhook_judge(int status);

#endif

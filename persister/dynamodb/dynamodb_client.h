/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls to DynamoDB: signed, sent, several in flight, tried again with jittered
 * back-off until their deadline when DynamoDB throttles or is away. Looks once
 * for newer credentials when those at hand are refused, and corrects its clock
 * by the Date of an answer that finds the signature too old or too new.
 *
 * What is left to its users: the JSON of requests and answers.
 */
#ifndef PERSISTER_DYNAMODB_DYNAMODB_CLIENT_H
#define PERSISTER_DYNAMODB_DYNAMODB_CLIENT_H

#include "common/backoff.h"
#include "persister/dynamodb/aws_credentials.h"
#include "persister/json_text.h"
#include "persister/store.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DYNAMODB_ITEM_MAX (400u << 10)
#define DYNAMODB_REQUEST_MAX (16u << 20)
#define DYNAMODB_CODE_SIZE 64

typedef struct dynamodb_client dynamodb_client_t;

/* `endpoint` is "http(s)://host[:port]"; all copied. */
dynamodb_client_t *dynamodb_client_new(const char *endpoint, const char *region,
                                       unsigned in_flight);
void dynamodb_client_destroy(dynamodb_client_t **self_p);

/* One call, in its user's memory, zero before its first use. body, operation,
 * timeout_ms and the callbacks are the user's to set; it keeps body until
 * on_end and frees it at last. */
typedef struct dynamodb_call dynamodb_call_t;
struct dynamodb_call {
    const char *operation; /* "PutItem" */
    json_text_t body;
    uint32_t timeout_ms; /* over all tries */
    void *context;
    /* An answer came. False: it left something to be done, `body` holds what;
     * it is sent after a back-off. NULL: every answer will do. */
    bool (*on_answer)(dynamodb_call_t *call, const char *json, size_t size);
    /* Over: `result` tells how. */
    void (*on_end)(dynamodb_call_t *call);
    store_result_t result;         /* OK, RETRY or FAILED */
    char code[DYNAMODB_CODE_SIZE]; /* of DynamoDB's error, or "" */

    /* The client's own. */
    dynamodb_client_t *client;
    uint64_t deadline_ms;
    backoff_t backoff;
    unsigned identity; /* the client's when this was sent */
    unsigned refusals; /* of key or clock */
};

void dynamodb_client_start(dynamodb_client_t *self, dynamodb_call_t *call);

/* Until all calls have ended. Not from a callback. */
void dynamodb_client_run(dynamodb_client_t *self);

/* One call, and its answer: NULL, or JSON the caller releases (json_decref).
 * `code` may be NULL, else holds DYNAMODB_CODE_SIZE. */
store_result_t dynamodb_client_ask(dynamodb_client_t *self,
                                   const char *operation,
                                   const json_text_t *body, uint32_t timeout_ms,
                                   json_t **answer, char *code);

/* About the last call that ended otherwise than OK. */
const char *dynamodb_client_error(const dynamodb_client_t *self);

/* For users that find an answer damaged. */
__attribute__((format(printf, 2, 3))) void
dynamodb_client_fail(dynamodb_client_t *self, const char *format, ...);

/* What an error code asks for. Pure; for tests. */
typedef enum {
    DYNAMODB_WAIT,  /* throttled or away: again after a back-off */
    DYNAMODB_RENEW, /* credentials refused: again with newer ones */
    DYNAMODB_CLOCK, /* the signature's time is off */
    DYNAMODB_FAIL,  /* no use in trying again */
} dynamodb_action_t;
dynamodb_action_t dynamodb_action(int status, const char *code,
                                  const char *message);

#endif

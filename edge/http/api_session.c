/* SPDX-License-Identifier: Apache-2.0
 *
 * Anonymous identities.
 */
#include "edge/http/api.h"

#include "edge/address.h"

#include <stdio.h>
#include <stdlib.h>

void api_post_session(exchange_t *exchange)
{
    char user[USER_HEX_BYTES], body[1024];
    if (!exchange->edge->config->anonymous) {
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "The operator hands out the tokens here");
        return;
    }
    address_t client = exchange_client(exchange);
    uint32_t wait_ms = address_limits_session(exchange->edge->limits, &client);
    if (wait_ms) {
        exchange_retry(exchange, PROBLEM_RATE_LIMITED, wait_ms);
        return;
    }
    char *token = auth_anonymous(exchange->edge->auth, &exchange->identity);
    if (!token) {
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "This edge has no secret to sign tokens with");
        return;
    }
    user_to_hex(exchange->identity.user, user);
    int length = snprintf(
        body, sizeof body,
        "{\"token\":\"%s\",\"user\":\"%s\",\"expires_at\":%llu}", token, user,
        (unsigned long long)exchange->identity.expires_at_ms);
    free(token);
    exchange_reply(exchange, &(reply_t){
                                 .status = 201,
                                 .content_type = "application/json",
                                 .bytes = body,
                                 .size = (size_t)length,
                             });
}

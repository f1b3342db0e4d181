/* SPDX-License-Identifier: Apache-2.0
 *
 * Anonymous identities, and the work that one may cost (session_work_bits).
 */
#include "edge/http/api.h"

#include "common/clock.h"
#include "common/json_input.h"
#include "edge/address_limits.h"
#include "edge/proof.h"
#include "edge/shared_budget.h"

#include <stdio.h>
#include <stdlib.h>

static_assert(PROOF_SEED_BYTES == AUTH_SEED_BYTES, "a proof names an identity");

static const char *s_why(proof_result_t result)
{
    switch (result) {
    case PROOF_GOOD:
        break;
    case PROOF_NOT_OURS:
        return "The challenge was not given to this address";
    case PROOF_LATE:
        return "The challenge is too old";
    case PROOF_EASY:
        return "More work is asked for now";
    case PROOF_WRONG:
        return "The number does not solve the challenge";
    }
    return NULL;
}

static void s_demand(exchange_t *exchange, const address_t *client,
                     const char *detail)
{
    const edge_config_t *config = exchange->edge->config;
    char challenge[PROOF_TEXT_LENGTH + 1], members[128];
    proof_challenge(challenge, &config->keys.anonymous,
                    (unsigned)config->session_work_bits, client,
                    clock_wall_ms());
    snprintf(members, sizeof members, ",\"challenge\":\"%s\",\"bits\":%d",
             challenge, (int)config->session_work_bits);
    exchange_problem_with(exchange, PROBLEM_WORK_REQUIRED, detail, members);
}

/* Whether the body holds a good proof: then `seed` is its identity's. Else the
 * exchange is answered by a challenge. */
static bool s_worked(exchange_t *exchange, const address_t *client,
                     uint8_t seed[PROOF_SEED_BYTES])
{
    const edge_config_t *config = exchange->edge->config;
    json_t *root = json_input_load(exchange->body ? exchange->body : "",
                                   exchange->body_size, JSON_REJECT_DUPLICATES);
    const json_t *challenge = json_object_get(root, "challenge");
    const json_t *number = json_object_get(root, "nonce");
    bool there = json_is_string(challenge) && json_is_integer(number) &&
                 json_integer_value(number) >= 0;
    proof_result_t result =
        there ? proof_check(seed, &config->keys.anonymous,
                            (unsigned)config->session_work_bits, client,
                            clock_wall_ms(), json_string_value(challenge),
                            json_string_length(challenge),
                            (uint64_t)json_integer_value(number))
              : PROOF_NOT_OURS;
    json_decref(root);
    if (result != PROOF_GOOD)
        s_demand(exchange, client, there ? s_why(result) : NULL);
    return result == PROOF_GOOD;
}

static void s_give(exchange_t *exchange, char *token)
{
    char user[USER_HEX_BYTES], body[1024];
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

/* What the address took of this worker, and of the cluster. */
static uint32_t s_wait_ms(const edge_t *edge, const address_t *client)
{
    uint32_t wait_ms = address_limits_session(edge->limits, client);
    if (wait_ms || address_limits_exempt(edge->limits, client))
        return wait_ms;
    return shared_budget_take(edge->shared, client, clock_mono_ms());
}

void api_post_session(exchange_t *exchange)
{
    const edge_config_t *config = exchange->edge->config;
    auth_t *auth = exchange->edge->auth;
    uint8_t seed[PROOF_SEED_BYTES];
    if (!config->anonymous) {
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "The operator hands out the tokens here");
        return;
    }
    address_t client = exchange_client(exchange);
    bool works = config->session_work_bits && config->keys.anonymous.count;
    if (works && !s_worked(exchange, &client, seed))
        return;
    uint32_t wait_ms = s_wait_ms(exchange->edge, &client);
    if (wait_ms) {
        exchange_retry(exchange, PROBLEM_RATE_LIMITED, wait_ms);
        return;
    }
    char *token = works ? auth_anonymous_of(auth, seed, &exchange->identity)
                        : auth_anonymous(auth, &exchange->identity);
    if (token)
        s_give(exchange, token);
    else
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "This edge has no secret to sign tokens with");
}

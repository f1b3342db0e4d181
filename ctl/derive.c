/* SPDX-License-Identifier: Apache-2.0
 *
 * See derive.h. Each key is drawn for a purpose, "edge to broker", and a
 * generation, so that none says anything about another.
 */
#include "ctl/derive.h"

#include "common/hkdf.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <stdio.h>

const char *const keys_words[KEYS] = {
    [KEYS_EDGE] = "edge",         [KEYS_PERSISTER] = "persister",
    [KEYS_OPERATOR] = "operator", [KEYS_ANONYMOUS] = "anonymous",
    [KEYS_TOKENS] = "tokens",     [KEYS_SERVERS] = "servers",
};

/* Who connects to whom, under whose generations. */
static const struct {
    role_t client, server;
    keys_t keys;
} s_pairs[] = {
    {ROLE_EDGE, ROLE_BROKER, KEYS_EDGE},
    {ROLE_EDGE, ROLE_PERSISTER, KEYS_EDGE},
    {ROLE_PERSISTER, ROLE_BROKER, KEYS_PERSISTER},
    {ROLE_OPERATOR, ROLE_BROKER, KEYS_OPERATOR},
};

static void s_derive(const master_t *master, const char *purpose,
                     unsigned generation, uint8_t key[KEY_BYTES])
{
    char info[96];
    snprintf(info, sizeof info, "stipple 1 %s %u", purpose, generation);
    hkdf(key, master->secret, master->size, info);
}

static void s_server(const master_t *master, role_t role, unsigned generation,
                     uint8_t secret[KEY_BYTES])
{
    char purpose[32];
    snprintf(purpose, sizeof purpose, "%s server", role_word(role));
    s_derive(master, purpose, generation, secret);
}

static void s_client(const master_t *master, size_t pair, unsigned generation,
                     uint8_t secret[KEY_BYTES])
{
    char purpose[48];
    snprintf(purpose, sizeof purpose, "%s to %s",
             role_word(s_pairs[pair].client), role_word(s_pairs[pair].server));
    s_derive(master, purpose, generation, secret);
}

static void s_connect(const master_t *master, size_t pair, key_peer_t *peer)
{
    const generation_t *range = &master->generations[KEYS_SERVERS];
    for (unsigned g = range->newest; g >= range->oldest; g--) {
        uint8_t server[KEY_BYTES];
        s_server(master, s_pairs[pair].server, g, server);
        curve_public(server, peer->servers.bytes[peer->servers.count++]);
    }
    s_client(master, pair, master->generations[s_pairs[pair].keys].newest,
             peer->client_secret);
}

static void s_accept(const master_t *master, size_t pair, key_list_t *list)
{
    const generation_t *range = &master->generations[s_pairs[pair].keys];
    for (unsigned g = range->oldest; g <= range->newest; g++) {
        assert(list->count < GENERATIONS_MAX);
        s_client(master, pair, g, list->bytes[list->count++]);
    }
}

/* The private number: 1 … order − 1, from 32 bytes. */
static BIGNUM *s_scalar(const master_t *master, unsigned generation,
                        const EC_GROUP *group)
{
    uint8_t bytes[KEY_BYTES];
    BN_CTX *context = BN_CTX_new();
    BIGNUM *limit = BN_dup(EC_GROUP_get0_order(group));
    s_derive(master, "tokens", generation, bytes);
    BIGNUM *scalar = BN_bin2bn(bytes, sizeof bytes, NULL);
    int done = BN_sub_word(limit, 1) &&
               BN_mod(scalar, scalar, limit, context) && BN_add_word(scalar, 1);
    assert(done);
    BN_free(limit);
    BN_CTX_free(context);
    return scalar;
}

static void s_point(const EC_GROUP *group, const BIGNUM *scalar,
                    uint8_t bytes[POINT_BYTES])
{
    EC_POINT *point = EC_POINT_new(group);
    int done = EC_POINT_mul(group, point, scalar, NULL, NULL, NULL);
    assert(done);
    size_t size = EC_POINT_point2oct(
        group, point, POINT_CONVERSION_UNCOMPRESSED, bytes, POINT_BYTES, NULL);
    assert(size == POINT_BYTES);
    EC_POINT_free(point);
}

static void s_anonymous(const master_t *master, role_keys_t *keys)
{
    const generation_t *anonymous = &master->generations[KEYS_ANONYMOUS];
    for (unsigned g = anonymous->oldest; g <= anonymous->newest; g++)
        s_derive(master, "anonymous", g,
                 keys->anonymous.bytes[keys->anonymous.count++]);
}

static void s_verifying(const master_t *master, role_keys_t *keys)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    const generation_t *tokens = &master->generations[KEYS_TOKENS];
    for (unsigned g = tokens->oldest; g <= tokens->newest; g++) {
        BIGNUM *scalar = s_scalar(master, g, group);
        s_point(group, scalar, keys->tokens[keys->token_count++]);
        BN_clear_free(scalar);
    }
    EC_GROUP_free(group);
}

void derive_role(const master_t *master, role_t role, role_keys_t *keys)
{
    *keys = (role_keys_t){.role = role};
    for (size_t i = 0; i < sizeof s_pairs / sizeof *s_pairs; i++) {
        if (s_pairs[i].client == role)
            s_connect(master, i, &keys->connect[s_pairs[i].server]);
        if (s_pairs[i].server == role)
            s_accept(master, i, &keys->accept[s_pairs[i].client]);
    }
    keys->serves = role == ROLE_BROKER || role == ROLE_PERSISTER;
    if (keys->serves)
        s_server(master, role, master->generations[KEYS_SERVERS].newest,
                 keys->server_secret);
    if (role == ROLE_EDGE)
        s_anonymous(master, keys);
    if (role == ROLE_EDGE || role == ROLE_BROKER)
        s_verifying(master, keys);
}

EVP_PKEY *derive_tokens(const master_t *master)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BIGNUM *scalar =
        s_scalar(master, master->generations[KEYS_TOKENS].newest, group);
    uint8_t point[POINT_BYTES];
    s_point(group, scalar, point);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                    "prime256v1", 0);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                     sizeof point);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    int done = EVP_PKEY_fromdata_init(context) == 1 &&
               EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) == 1;
    assert(done && key);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(scalar);
    EC_GROUP_free(group);
    return key;
}

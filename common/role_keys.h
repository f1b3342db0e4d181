/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys that one role holds: what its processes need on the bus and for
 * tokens, and nothing of any other role. One text file per role, made by
 * `stipplectl keygen` from the cluster's secret, which no process reads.
 *
 *     role edge
 *     connect broker SERVER_PUBLIC CLIENT_SECRET
 *     connect persister SERVER_PUBLIC CLIENT_SECRET
 *                           may stand more than once per role, while its
 *                           servers change their key; the newest first
 *     anonymous SECRET      may stand more than once; the first one signs
 *     tokens PUBLIC         may stand more than once
 *
 *     role broker
 *     serve SERVER_SECRET
 *     accept edge CLIENT_SECRET          may stand more than once per role,
 *     accept persister CLIENT_SECRET     while one takes the other's place
 *     accept operator CLIENT_SECRET
 *     tokens PUBLIC                      whose roles the leader believes
 *
 * Everything is hexadecimal. What is for one peer is drawn apart from what is
 * for another, so that a persister cannot place with what it knows of edges.
 */
#ifndef COMMON_ROLE_KEYS_H
#define COMMON_ROLE_KEYS_H

#include "common/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum {
    ROLE_BROKER,
    ROLE_PERSISTER,
    ROLE_EDGE,
    ROLE_OPERATOR,
    ROLES,
} role_t;

#define KEY_BYTES 32
#define POINT_BYTES 65 /* of P-256, not compressed */
#define GENERATIONS_MAX 4

typedef struct {
    uint8_t bytes[GENERATIONS_MAX][KEY_BYTES];
    size_t count;
} key_list_t;

/* What it takes to connect to one role: its servers have one of these public
 * keys. None: this role has no part in it. */
typedef struct {
    key_list_t servers;
    uint8_t client_secret[KEY_BYTES];
} key_peer_t;

typedef struct {
    role_t role;
    bool serves;
    uint8_t server_secret[KEY_BYTES];
    key_peer_t connect[ROLES];
    key_list_t accept[ROLES];
    key_list_t anonymous;
    uint8_t tokens[GENERATIONS_MAX][POINT_BYTES];
    size_t token_count;
} role_keys_t;

/* "broker", "persister", "edge", "operator" */
const char *role_word(role_t role);
/* -1 for any other word. */
int role_parse(const char *word);

/* Reads a role's file. -1, with one line in the log, if it cannot be read, is
 * no key file or is another role's. */
int role_keys_load(role_keys_t *self, role_t role, const char *path);
void role_keys_wipe(role_keys_t *self);

/* Parses the text of a key file; NULL, or why it is none (static text). */
const char *role_keys_parse(role_keys_t *self, char *text);
void role_keys_print(const role_keys_t *self, FILE *file);

/* Adds what verifies tokens: the anonymous secrets, for subjects that begin
 * with ANONYMOUS_SUBJECTS, and the public keys of the operator's own. -1 if a
 * key is unusable. */
#define ANONYMOUS_SUBJECTS "anon-"
int role_keys_verify_with(const role_keys_t *self, token_keys_t *keys);

/* The CURVE key pair of a secret, as ZeroMQ's text. */
#define CURVE_TEXT_BYTES 41
void curve_pair(const uint8_t key[KEY_BYTES], char public[CURVE_TEXT_BYTES],
                char secret[CURVE_TEXT_BYTES]);
/* The public half as bytes. */
void curve_public(const uint8_t secret[KEY_BYTES], uint8_t public[KEY_BYTES]);

/* The client's key towards one broker: drawn from `client_secret` and the
 * base endpoint by which the client knows that broker (letter case does not
 * count). Another broker, at the address of this one, refuses it. An empty base
 * is for peers of which any will do. */
void client_key(uint8_t key[KEY_BYTES], const uint8_t client_secret[KEY_BYTES],
                const char *base);

#endif

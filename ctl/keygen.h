/* SPDX-License-Identifier: Apache-2.0
 *
 * The key files of a cluster, one per role, all drawn from one secret that no
 * process needs to have (role_keys.h):
 *
 *     keygen DIR         makes the files; draws the secret if there is none
 *     rotate DIR KEYS    new KEYS; the old ones count beside them
 *     retire DIR KEYS    the old ones no longer count
 *
 * DIR holds broker.key, persister.key, edge.key, operator.key and tokens.key
 * (the private key that signs operators' tokens, PEM), and `generations`, which
 * says how often each kind of key was changed. The same secret and generations
 * make the same files.
 */
#ifndef CTL_KEYGEN_H
#define CTL_KEYGEN_H

#include <stdbool.h>

/* True if the words are one of these verbs. */
bool keygen_knows(char **words, int count);

/* Runs it. `master` is the secret's file; empty: DIR/secret. Returns the exit
 * code: 0; 1 if a file cannot be read or written; 2 if the words are wrong. */
int keygen_run(char **words, int count, const char *master);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens with a role, made from the cluster's tokens.key where no identity
 * provider makes them:
 *
 *     token NAME    prints a token for that name, with --role, until --until
 */
#ifndef CTL_MINT_H
#define CTL_MINT_H

#include "ctl/config.h"

/* True if the words are this verb. */
bool mint_knows(char **words, int count);

/* Prints one line. Returns the exit code: 0; 1 if the key cannot be read; 2 if
 * the words are wrong. */
int mint_run(const ctl_config_t *config, char **words, int count);

#endif

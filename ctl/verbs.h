/* SPDX-License-Identifier: Apache-2.0
 *
 * stipplectl's verbs, as a table: what is asked, and how the answers are shown.
 */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/brokers.h"
#include "ctl/config.h"

/* Runs the verb of `words`. Returns the exit code: 0 where the cluster has done
 * it, 1 where it refused or nobody answered, 2 where the words are wrong. */
int verbs_run(brokers_t *brokers, const ctl_config_t *config, char **words,
              int count);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-load --canary: one visitor, for as long as it is let, through the
 * door that people use. It keeps the board as the page does, places one pixel
 * now and then with a token of its own, and tells on its metrics port how long
 * people wait, and whether what they see is right (probe.h, metrics.def).
 */
#ifndef LOAD_CANARY_H
#define LOAD_CANARY_H

#include "load/hub.h"

/* Until share->stop. The config's endpoint is resolved anew for each
 * connection. Exit status: 0, or 1 if it could not begin. */
int canary_run(config_t *config, share_t *share);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults by weight. Each ends by itself or with nemesis_heal, after which
 * everything is up and every path good.
 */
#ifndef TESTS_SIM_NEMESIS_H
#define TESTS_SIM_NEMESIS_H

#include "tests/sim/world.h"

/* Kinds by name, comma list, with "-NAME" left out; NULL: the standard set.
 * -1 for an unknown name. */
int nemesis_choose(const char *names);
void nemesis_reset(void);
void nemesis_start(void);
/* No more of them; what lasts is ended. */
void nemesis_heal(void);
unsigned nemesis_kinds(void);
const char *nemesis_name(unsigned kind);
/* Of all runs. */
uint64_t nemesis_count(unsigned kind);

#endif

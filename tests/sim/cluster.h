/* SPDX-License-Identifier: Apache-2.0
 *
 * One run: a cluster of two brokers, two persisters and three edges with their
 * clients, in turns of bad weather and of quiet in which all must be well.
 */
#ifndef TESTS_SIM_CLUSTER_H
#define TESTS_SIM_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

/* Once: the images, found in that folder. */
void cluster_load(const char *folder);
/* A run of so many simulated seconds; false: a check failed. */
bool cluster_run(uint64_t seed, uint64_t seconds);

#endif

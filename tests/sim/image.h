/* SPDX-License-Identifier: Apache-2.0
 *
 * One private copy of a shared object that holds a process's real sources. Its
 * variables are put back to their first values at each start.
 */
#ifndef TESTS_SIM_IMAGE_H
#define TESTS_SIM_IMAGE_H

#include "tests/sim/world.h"

typedef struct image image_t;

/* Exits where the file cannot be loaded. */
image_t *image_load(const char *path);
void image_reset(image_t *self);
int image_main(image_t *self, int argc, char **argv);
/* zsys_interrupted of this copy. */
volatile int *image_interrupted(image_t *self);

#endif

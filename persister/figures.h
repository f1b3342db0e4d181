/* SPDX-License-Identifier: Apache-2.0
 *
 * The persister's metrics (rows: metrics.def) and the port they are read from.
 */
#ifndef PERSISTER_FIGURES_H
#define PERSISTER_FIGURES_H

#include "common/settings.h"

#include <czmq.h>
#include <stdint.h>

#define METRIC(id, type, name, help) FIGURE_##id,
enum {
#include "persister/metrics.def"
    FIGURES
};
#undef METRIC

typedef struct figures figures_t;

/* Listens where the settings name a port. `gather` sets the gauges before each
 * reading. NULL, with a line in the log, where it cannot listen. */
figures_t *figures_new(const settings_common_t *settings, zloop_t *loop,
                       void (*gather)(void *context), void *context);
void figures_destroy(figures_t **self_p);

void figures_add(figures_t *self, unsigned figure, uint64_t more);
void figures_set(figures_t *self, unsigned figure, uint64_t value);

/* Once a second at least: idle connections time out. */
void figures_tick(figures_t *self);

#endif

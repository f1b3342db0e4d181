/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients are told of the settings: /api/v1/config and every NOTICE.
 */
#ifndef EDGE_CONFIG_JSON_H
#define EDGE_CONFIG_JSON_H

#include "common/canvas.h"

#include <stddef.h>

/* The canvas's members, and `endpoints` from that setting's comma list (may be
 * NULL). The caller owns the text (free). */
char *config_json(const canvas_t *canvas, const char *endpoints, size_t *size);

#endif

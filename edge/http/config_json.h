/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients are told of the settings: /api/v1/config and every NOTICE.
 */
#ifndef EDGE_HTTP_CONFIG_JSON_H
#define EDGE_HTTP_CONFIG_JSON_H

#include "common/canvas.h"
#include "edge/config.h"

#include <stddef.h>

/* The canvas's members and those of the edge's own settings. The caller owns
 * the text (free). */
char *config_json(const canvas_t *canvas, const edge_config_t *edge,
                  size_t *size);

#endif

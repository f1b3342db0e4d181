/* SPDX-License-Identifier: Apache-2.0
 *
 * stipple-persister --export: all placements in the order of seq, as text on
 * standard output, streamed from the journal.
 */
#ifndef PERSISTER_EXPORT_H
#define PERSISTER_EXPORT_H

#include "common/canvas.h"
#include "common/control.h"

#include <stddef.h>

/* No row is longer. */
#define EXPORT_ROW_MAX (320 + 2 * CONTROL_TEXT_MAX)

/* "seq,placed_at,user,x,y,color": time in ms, user in hex. Returns the length;
 * `row` holds EXPORT_ROW_MAX. */
size_t export_csv_row(char *row, const record_t *record,
                      const canvas_t *canvas);

/* "timestamp,user_id,pixel_color,coordinate" of Reddit's 2022 release:
 *     2022-04-04 00:53:51.577 UTC,USER,#RRGGBB,"x,y" */
size_t export_reddit_row(char *row, const record_t *record,
                         const canvas_t *canvas);

/* "seq,at,by,role,verb,user,from,until,x0,y0,x1,y1,upto,text": what an operator
 * did. */
size_t export_control_row(char *row, const control_t *control);

/* The formats, as a setting's choice. */
#define EXPORT_FORMATS "csv|reddit|controls"

/* `format` is one of EXPORT_FORMATS. Returns the exit code. The palette is the
 * newest snapshot's. */
int export_all(const char *store, const char *format);

#endif

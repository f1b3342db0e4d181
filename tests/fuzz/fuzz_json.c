/* SPDX-License-Identifier: Apache-2.0
 *
 * Public messages, JSON flavour; and canvas settings, which travel as JSON.
 */
#include "common/canvas.h"
#include "common/wire_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wire_request_t request;
    canvas_t canvas;
    char *token, json[CANVAS_JSON_MAX];
    size_t length;
    wire_json_decode_request(&request, (const char *)data, size, &token);
    free(token);
    if (canvas_from_json(&canvas, (const char *)data, size) == 0)
        canvas_to_json(&canvas, json, sizeof json);
    free(wire_json_notice(NOTICE_SETTINGS, (const char *)data, size, &length));
    return 0;
}

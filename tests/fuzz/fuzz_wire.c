/* SPDX-License-Identifier: Apache-2.0
 *
 * Public messages, binary: whatever decodes as an event and is no DIFF or
 * NOTICE encodes to the same bytes again.
 */
#include "common/diff.h"
#include "common/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wire_event_t event;
    wire_request_t request;
    diff_t diff;
    uint8_t again[WIRE_SMALL_MAX];
    wire_decode_request(&request, data, size);
    if (wire_decode_event(&event, data, size) < 0)
        return 0;
    if (event.type == WIRE_DIFF &&
        !diff_open(&diff, event.diff.body, event.diff.size, 1000, 4))
        diff_valid(&diff);
    if (event.type == WIRE_HELLO &&
        (wire_put_hello(again, &event.hello) != size ||
         memcmp(again, data, size)))
        abort();
    if (event.type == WIRE_VERDICT &&
        (wire_put_verdict(again, &event.verdict) != size ||
         memcmp(again, data, size)))
        abort();
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the edge reads from strangers itself: a request's head, and a client's
 * WebSocket frames, which must come out the same however the bytes were cut.
 */
#include "edge/http/message.h"
#include "edge/ws/frame_reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A hash of all that comes out, of reading `step` bytes at a time. */
static uint64_t s_read(const uint8_t *data, size_t size, size_t step)
{
    frame_reader_t reader = {0};
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t at = 0; at < size; at += step) {
        size_t left = size - at < step ? size - at : step;
        uint8_t *piece = malloc(left), *next = piece; /* overruns show */
        memcpy(piece, data + at, left);
        input_t input = {.type = INPUT_DATA};
        while (input.type != INPUT_NONE) {
            frame_reader_next(&reader, &next, &left, &input);
            for (size_t i = 0; i < input.size; i++)
                hash = (hash ^ input.bytes[i]) * 1099511628211u;
            if (input.type > INPUT_DATA || input.last)
                hash = (hash ^ (256 + input.type)) * 1099511628211u;
        }
        free(piece);
    }
    frame_reader_fini(&reader);
    return hash;
}

/* A hash of what is read of a request that comes `step` bytes at a time. */
static uint64_t s_read_message(const uint8_t *data, size_t size, size_t step)
{
    message_t message = {.size = 0};
    message_result_t result = MESSAGE_PARTIAL;
    uint64_t hash = 0;
    for (size_t at = 0; at < size && result == MESSAGE_PARTIAL;) {
        at = size - at < step ? size : at + step;
        char *text = malloc(at); /* overruns show */
        memcpy(text, data, at);
        result = message_read(&message, text, at);
        if (result == MESSAGE_WHOLE && message.size > at)
            abort();
        for (size_t i = 0; result == MESSAGE_WHOLE && i < message.body_size;
             i++)
            hash = hash * 31 + (uint8_t)message.body[i];
        free(text);
    }
    const head_t *head = &message.head;
    for (int i = 0; i < FIELD_COUNT && result == MESSAGE_WHOLE; i++)
        hash = hash * 31 + head->fields[i].at + head->fields[i].size;
    if (result == MESSAGE_WHOLE)
        hash = hash * 31 + message.size + head->path.at + head->path.size;
    else
        hash = (uintptr_t)message.detail;
    message_fini(&message);
    return hash * 31 + result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (s_read_message(data, size, size) !=
        s_read_message(data, size, 1 + size % 7))
        abort();
    if (s_read(data, size, size + 1) != s_read(data, size, 1 + size % 7))
        abort();
    return 0;
}

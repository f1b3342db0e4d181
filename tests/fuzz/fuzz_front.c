/* SPDX-License-Identifier: Apache-2.0
 *
 * What the edge reads from strangers itself: a request's head, and a client's
 * WebSocket frames, which must come out the same however the bytes were cut.
 */
#include "edge/frame_reader.c"
#include "edge/request_head.c"

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

static void s_check_head(const uint8_t *data, size_t size)
{
    request_head_t head;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    if (request_head_parse(&head, text, size) == HEAD_PLAIN) {
        if (head.size > size || head.body.size > EXCHANGE_BODY_MAX ||
            head.body.text + head.body.size != text + head.size ||
            memcmp(head.body.text - 4, "\r\n\r\n", 4) ||
            head.path.text[0] != '/')
            abort();
        for (size_t i = 0; i < HEADER_COUNT; i++)
            if (head.headers[i].text &&
                head.headers[i].text + head.headers[i].size > text + head.size)
                abort();
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s_check_head(data, size);
    if (s_read(data, size, size + 1) != s_read(data, size, 1 + size % 7))
        abort();
    return 0;
}

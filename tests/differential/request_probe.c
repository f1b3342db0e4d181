/* SPDX-License-Identifier: Apache-2.0
 *
 * request_probe: what the edge reads of bytes. Each case on standard input is a
 * u32 length, little-endian, and so many bytes; each gets a line of JSON: its
 * requests, and how it ends. test_differential.py compares that with Node's.
 */
#include "edge/http/message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FIELD_COUNT] = {
    [FIELD_AUTHORIZATION] = "authorization",
    [FIELD_ORIGIN] = "origin",
    [FIELD_HOST] = "host",
    [FIELD_ACCEPT_ENCODING] = "accept-encoding",
    [FIELD_IF_NONE_MATCH] = "if-none-match",
    [FIELD_IDEMPOTENCY_KEY] = "idempotency-key",
    [FIELD_PREFLIGHT_METHOD] = "access-control-request-method",
    [FIELD_FORWARDED_FOR] = "x-forwarded-for",
    [FIELD_CONNECTION] = "connection",
    [FIELD_UPGRADE] = "upgrade",
    [FIELD_WS_PROTOCOL] = "sec-websocket-protocol",
    [FIELD_WS_VERSION] = "sec-websocket-version",
    [FIELD_WS_KEY] = "sec-websocket-key",
    [FIELD_EXPECT] = "expect",
    [FIELD_CONTENT_LENGTH] = "content-length",
    [FIELD_TRANSFER_ENCODING] = "transfer-encoding",
};

/* Bytes as text, one character each: JSON knows no bytes. */
static json_t *s_text(const char *bytes, size_t size)
{
    char *text = malloc(2 * size + 1), *at = text;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x80)
            *at++ = (char)(0xc0 | byte >> 6);
        *at++ = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte);
    }
    json_t *json = json_stringn(text, (size_t)(at - text));
    free(text);
    return json;
}

static json_t *s_fields(const head_t *head, const char *bytes)
{
    json_t *fields = json_object();
    for (int i = 0; i < FIELD_COUNT; i++) {
        span_t span = head->fields[i];
        if (!span.at)
            continue;
        json_t *lines = json_array();
        json_array_append_new(lines, s_text(bytes + span.at, span.size));
        for (unsigned j = 0; j < head->more_count; j++) {
            span = head->more[j].value;
            if ((int)head->more[j].field == i)
                json_array_append_new(lines,
                                      s_text(bytes + span.at, span.size));
        }
        json_object_set_new(fields, names[i], lines);
    }
    return fields;
}

static json_t *s_request(const message_t *message, const char *bytes)
{
    const head_t *head = &message->head;
    const char *target = bytes + head->method.at + head->method.size + 1;
    json_t *request = json_object();
    json_object_set_new(request, "method",
                        s_text(bytes + head->method.at, head->method.size));
    json_object_set_new(request, "target",
                        s_text(target, (size_t)(strchr(target, ' ') - target)));
    json_object_set_new(request, "version",
                        json_string(head->http10 ? "1.0" : "1.1"));
    json_object_set_new(request, "known",
                        json_boolean(head->verb != VERB_OTHER));
    json_object_set_new(request, "fields", s_fields(head, bytes));
    json_object_set_new(
        request, "body",
        s_text(message->body ? message->body : "", message->body_size));
    return request;
}

static void s_probe(const char *bytes, size_t size)
{
    static const char *const ends[] = {"partial", "whole", "refused"};
    json_t *requests = json_array();
    message_result_t result = MESSAGE_WHOLE;
    while (size && result == MESSAGE_WHOLE) {
        message_t message = {.size = 0};
        result = message_read(&message, bytes, size);
        if (result == MESSAGE_WHOLE) {
            json_array_append_new(requests, s_request(&message, bytes));
            bytes += message.size;
            size -= message.size;
        }
        message_fini(&message);
    }
    json_t *line = json_object();
    json_object_set_new(line, "requests", requests);
    json_object_set_new(line, "end", json_string(ends[result]));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

int main(void)
{
    unsigned char length[4];
    while (fread(length, 1, sizeof length, stdin) == sizeof length) {
        size_t size = length[0] | length[1] << 8 | length[2] << 16;
        char *bytes = malloc(size + 1);
        if (fread(bytes, 1, size, stdin) != size)
            return 1;
        bytes[size] = '\0';
        s_probe(bytes, size);
        free(bytes);
    }
    return 0;
}

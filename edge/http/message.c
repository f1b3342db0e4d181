/* SPDX-License-Identifier: Apache-2.0
 *
 * See message.h.
 */
#include "edge/http/message.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

/* Beyond it a chunk's size is none that could be allowed, however it begins. */
#define SIZE_DIGITS_MAX 16

static bool s_refuse(message_t *self, problem_t problem, const char *detail)
{
    self->problem = problem;
    self->detail = detail;
    return false;
}

static bool s_malformed(message_t *self)
{
    return s_refuse(self, PROBLEM_BAD_REQUEST, "The chunks are malformed");
}

static bool s_too_large(message_t *self)
{
    return s_refuse(self, PROBLEM_TOO_LARGE, "A body has at most 4096 bytes");
}

/* --- Chunks ----------------------------------------------------------------
 */

/* The line at `size`: its length; -1: it is not whole, or none (and refused).
 */
static ssize_t s_line(message_t *self, const char *bytes, size_t size)
{
    const char *line = bytes + self->size;
    for (size_t i = 0; i < size - self->size; i++) {
        if (line[i] == '\r' && i + 1 == size - self->size)
            return -1;
        if (line[i] == '\r' && line[i + 1] == '\n')
            return (ssize_t)i;
        if ((line[i] < ' ' && line[i] != '\t' && line[i] >= 0) ||
            line[i] == 0x7f) {
            s_malformed(self);
            return -1;
        }
    }
    return -1;
}

static size_t s_token(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size && head_is_token(text[i]))
        i++;
    return i;
}

/* A quoted-string, with its quotes. */
static size_t s_quoted(const char *text, size_t size)
{
    for (size_t i = 1; i < size && *text == '"'; i++) {
        if (text[i] == '\\')
            i++;
        else if (text[i] == '"')
            return i + 1;
    }
    return 0;
}

/* *( ";" token [ "=" ( token / quoted-string ) ] ): nothing that is looked at.
 */
static bool s_are_extensions(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t name =
            text[at] == ';' ? s_token(text + at + 1, size - at - 1) : 0;
        if (!name)
            return false;
        at += 1 + name;
        if (at < size && text[at] == '=') {
            size_t value = s_token(text + at + 1, size - at - 1);
            if (!value)
                value = s_quoted(text + at + 1, size - at - 1);
            if (!value)
                return false;
            at += 1 + value;
        }
    }
    return true;
}

static int s_digit(char byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

/* The size at a chunk's head; false: it is none, and refused. */
static bool s_chunk_size(message_t *self, const char *line, size_t length,
                         size_t *chunk)
{
    size_t digits = 0;
    *chunk = 0;
    while (digits < length && s_digit(line[digits]) >= 0) {
        if (digits == SIZE_DIGITS_MAX)
            return s_malformed(self);
        *chunk = *chunk << 4 | (size_t)s_digit(line[digits++]);
    }
    if (!digits || !s_are_extensions(line + digits, length - digits))
        return s_malformed(self);
    return *chunk <= BODY_BYTES_MAX - self->body_size || s_too_large(self);
}

/* One chunk; false: it is not whole, or refused. */
static bool s_chunk(message_t *self, const char *bytes, size_t size)
{
    size_t chunk;
    if (size > self->size && s_digit(bytes[self->size]) < 0)
        return s_malformed(self);
    ssize_t length = s_line(self, bytes, size);
    if (length < 0 ||
        !s_chunk_size(self, bytes + self->size, (size_t)length, &chunk))
        return false;
    size_t at = self->size + (size_t)length + 2;
    if (!chunk) {
        self->size = at;
        self->last = true;
        return true;
    }
    const char *end = bytes + at + chunk;
    if (size > at + chunk && *end != '\r')
        return s_malformed(self);
    if (size > at + chunk + 1 && end[1] != '\n')
        return s_malformed(self);
    if (size < at + chunk + 2)
        return false;
    if (!self->decoded)
        self->decoded = mem_alloc(BODY_BYTES_MAX);
    memcpy(self->decoded + self->body_size, bytes + at, chunk);
    self->body = self->decoded;
    self->body_size += chunk;
    self->size = at + chunk + 2;
    return true;
}

/* One line of the trailers, which nobody reads. */
static bool s_trailer(message_t *self, const char *bytes, size_t size,
                      bool *whole)
{
    ssize_t length = s_line(self, bytes, size);
    if (length < 0)
        return false;
    if (length && !head_is_field(bytes + self->size, (size_t)length))
        return s_malformed(self);
    self->size += (size_t)length + 2;
    *whole = !length;
    return true;
}

static bool s_chunks(message_t *self, const char *bytes, size_t size)
{
    size_t most = self->head.size + BODY_ENCODED_MAX;
    bool whole = false;
    if (size > most)
        size = most;
    while (!whole && (self->last ? s_trailer(self, bytes, size, &whole)
                                 : s_chunk(self, bytes, size)))
        ;
    if (!whole && !self->detail && size == most)
        s_too_large(self);
    return whole;
}

/* --- Requests --------------------------------------------------------------
 */

static bool s_counted(message_t *self, const char *bytes, size_t size)
{
    const head_t *head = &self->head;
    if (head->length > BODY_BYTES_MAX)
        return s_too_large(self);
    if (size - head->size < head->length)
        return false;
    self->body = bytes + head->size;
    self->body_size = (size_t)head->length;
    self->size = head->size + self->body_size;
    return true;
}

message_result_t message_read(message_t *self, const char *bytes, size_t size)
{
    if (self->detail)
        return MESSAGE_REFUSED;
    head_result_t head = head_read(&self->head, bytes, size);
    if (head == HEAD_REFUSED)
        s_refuse(self, self->head.problem, self->head.detail);
    if (head != HEAD_WHOLE)
        return head == HEAD_REFUSED ? MESSAGE_REFUSED : MESSAGE_PARTIAL;
    if (!self->size)
        self->size = self->head.size;
    bool whole = self->head.chunked ? s_chunks(self, bytes, size)
                                    : s_counted(self, bytes, size);
    return whole          ? MESSAGE_WHOLE
           : self->detail ? MESSAGE_REFUSED
                          : MESSAGE_PARTIAL;
}

void message_fini(message_t *self)
{
    free(self->decoded);
    self->decoded = NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening blocks in s_exchange, which sends one request and services the
 * connection until its reply is there; everything later goes through the same
 * service function from the owner's poll loop.
 */
#include "persister/cassandra/cql_connection.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES (64u << 10)
#define WARN_EVERY_MS 60000

typedef struct {
    cql_reply_fn on_reply; /* NULL: free */
    void *context;
} stream_t;

struct cql_connection {
    const cql_options_t *options;
    cql_statements_t *statements;
    cql_socket_t *socket; /* NULL: closed */
    stream_t streams[CQL_STREAMS];
    unsigned in_flight;
    uint8_t *in; /* bytes read, not yet decoded */
    size_t in_size, in_capacity;
    cql_writer_t out; /* bytes to be written, from out_at on */
    size_t out_at;
    uint64_t warned_at_ms; /* 0: never */
    char error[512];
};

cql_connection_t *cql_connection_new(const cql_options_t *options,
                                     cql_statements_t *statements)
{
    cql_connection_t *self = mem_zalloc(1, sizeof *self);
    self->options = options;
    self->statements = statements;
    return self;
}

void cql_connection_destroy(cql_connection_t **self_p)
{
    cql_connection_t *self = *self_p;
    if (!self)
        return;
    cql_socket_close(&self->socket);
    cql_writer_fini(&self->out);
    free(self->in);
    free(self);
    *self_p = NULL;
}

bool cql_connection_is_open(const cql_connection_t *self)
{
    return self->socket != NULL;
}

unsigned cql_connection_in_flight(const cql_connection_t *self)
{
    return self->in_flight;
}

const char *cql_connection_error(const cql_connection_t *self)
{
    return self->error;
}

int cql_connection_fd(const cql_connection_t *self)
{
    return cql_socket_fd(self->socket);
}

short cql_connection_events(const cql_connection_t *self)
{
    return cql_socket_events(self->socket, self->out_at < self->out.size);
}

void cql_connection_close(cql_connection_t *self, const char *why)
{
    if (!self->socket)
        return;
    snprintf(self->error, sizeof self->error, "%s:%s: %s",
             self->options->address.host, self->options->address.port, why);
    cql_socket_close(&self->socket);
    self->in_size = self->out.size = self->out_at = 0;
    self->in_flight = 0;
    for (size_t i = 0; i < CQL_STREAMS; i++) {
        stream_t stream = self->streams[i];
        self->streams[i] = (stream_t){0};
        if (stream.on_reply)
            stream.on_reply(stream.context, NULL);
    }
}

void cql_connection_send(cql_connection_t *self, cql_writer_t *frame,
                         cql_reply_fn on_reply, void *context)
{
    size_t stream = 0;
    while (stream < CQL_STREAMS && self->streams[stream].on_reply)
        stream++;
    assert(self->socket && stream < CQL_STREAMS);
    self->streams[stream] = (stream_t){on_reply, context};
    self->in_flight++;
    frame->bytes[2] = (uint8_t)(stream >> 8);
    frame->bytes[3] = (uint8_t)stream;
    if (self->out_at == self->out.size)
        self->out_at = self->out.size = 0;
    cql_writer_append(&self->out, frame->bytes, frame->size);
}

/* ---- Service ------------------------------------------------------------- */

static int s_write(cql_connection_t *self)
{
    while (self->out_at < self->out.size) {
        int moved =
            cql_socket_write(self->socket, self->out.bytes + self->out_at,
                             self->out.size - self->out_at);
        if (moved <= 0)
            return moved;
        self->out_at += (size_t)moved;
    }
    return 0;
}

static void s_warn(cql_connection_t *self, const cql_reply_t *reply)
{
    uint64_t now_ms = clock_mono_ms();
    char text[256], quoted[400];
    if (self->warned_at_ms && now_ms - self->warned_at_ms < WARN_EVERY_MS)
        return;
    self->warned_at_ms = now_ms;
    snprintf(text, sizeof text, "%.*s", (int)reply->warning.size,
             (const char *)reply->warning.bytes);
    log_warn("store_server_warning", "text=%s",
             log_quote(quoted, sizeof quoted, text));
}

/* A whole frame; -1 where it is none of ours. */
static int s_frame(cql_connection_t *self, const cql_header_t *header,
                   const uint8_t *body)
{
    cql_reply_t reply;
    if (cql_reply_decode(&reply, header, body) != CQL_OK)
        return -1;
    if (reply.warnings > 0)
        s_warn(self, &reply);
    if (header->stream < 0) /* an event nobody asked for */
        return 0;
    if (header->stream >= CQL_STREAMS ||
        !self->streams[header->stream].on_reply)
        return -1;
    stream_t stream = self->streams[header->stream];
    self->streams[header->stream] = (stream_t){0};
    self->in_flight--;
    stream.on_reply(stream.context, &reply);
    return 0;
}

/* All whole frames there are. */
static int s_frames(cql_connection_t *self)
{
    size_t at = 0;
    cql_result_t got;
    cql_header_t header;
    while ((got = cql_header_decode(&header, self->in + at,
                                    self->in_size - at)) == CQL_OK) {
        size_t size = CQL_HEADER_BYTES + (size_t)header.length;
        if (self->in_size - at < size)
            break;
        if (s_frame(self, &header, self->in + at + CQL_HEADER_BYTES))
            return -1;
        if (!self->socket) /* closed in a callback */
            return 0;
        at += size;
    }
    memmove(self->in, self->in + at, self->in_size - at);
    self->in_size -= at;
    return got == CQL_BAD ? -1 : 0;
}

static int s_read(cql_connection_t *self)
{
    for (;;) {
        if (self->in_capacity - self->in_size < READ_BYTES) {
            size_t double_size = self->in_capacity * 2;
            self->in_capacity =
                double_size < 2 * READ_BYTES ? 2 * READ_BYTES : double_size;
            self->in = mem_realloc(self->in, self->in_capacity, 1);
        }
        int moved =
            cql_socket_read(self->socket, self->in + self->in_size, READ_BYTES);
        if (moved <= 0)
            return moved;
        self->in_size += (size_t)moved;
        if (s_frames(self)) {
            cql_connection_close(self, "a damaged frame");
            return 0;
        }
        if (!self->socket)
            return 0;
    }
}

void cql_connection_service(cql_connection_t *self)
{
    if (s_write(self) || s_read(self))
        cql_connection_close(self, "the server closed the connection");
}

/* ---- Opening ------------------------------------------------------------- */

/* The reply to one blocking request, in memory of its own. */
typedef struct {
    bool done;
    bool lost;
    uint8_t opcode;
    int32_t error;
    cql_id_t id;
    char message[384];
} answer_t;

static void s_on_answer(void *context, cql_reply_t *reply)
{
    answer_t *answer = context;
    answer->done = true;
    answer->lost = reply == NULL;
    if (!reply)
        return;
    answer->opcode = reply->opcode;
    answer->error = reply->error;
    snprintf(answer->message, sizeof answer->message, "%.*s",
             (int)reply->message.size, (const char *)reply->message.bytes);
    answer->id.size = reply->id.size;
    if (reply->id.size)
        memcpy(answer->id.bytes, reply->id.bytes, reply->id.size);
}

static cql_opening_t s_exchange(cql_connection_t *self, cql_writer_t *frame,
                                uint64_t deadline_ms, answer_t *answer)
{
    *answer = (answer_t){0};
    cql_connection_send(self, frame, s_on_answer, answer);
    while (!answer->done) {
        uint64_t now_ms = clock_mono_ms();
        if (now_ms >= deadline_ms) {
            cql_connection_close(self, "no answer in time");
            return CQL_AWAY;
        }
        cql_connection_service(self);
        if (answer->done)
            break;
        struct pollfd item = {.fd = cql_connection_fd(self),
                              .events = cql_connection_events(self)};
        poll(&item, 1, (int)(deadline_ms - now_ms));
    }
    return answer->lost ? CQL_AWAY : CQL_OPENED;
}

/* An answer that is not the one hoped for. Servers that start or are overloaded
 * are away, all else is a refusal. */
static cql_opening_t s_refused(cql_connection_t *self, const answer_t *answer)
{
    bool away = answer->error == CQL_ERROR_OVERLOADED ||
                answer->error == CQL_ERROR_BOOTSTRAPPING ||
                answer->error == CQL_ERROR_UNAVAILABLE ||
                answer->error == CQL_ERROR_READ_TIMEOUT ||
                answer->error == CQL_ERROR_SERVER;
    bool missing = strstr(answer->message, "unconfigured table") ||
                   strstr(answer->message, "does not exist");
    char why[448];
    if (answer->opcode != CQL_OP_ERROR)
        snprintf(why, sizeof why, "an unexpected answer to the opening");
    else
        snprintf(why, sizeof why, "%s: %s%s", cql_error_name(answer->error),
                 answer->message,
                 missing ? ": run stipple-persister --create-tables" : "");
    cql_connection_close(self, why);
    return answer->opcode == CQL_OP_ERROR && away ? CQL_AWAY : CQL_REFUSED;
}

/* The file's first line. */
static int s_read_password(const char *path, char password[CQL_PASSWORD_MAX])
{
    FILE *file = fopen(path, "r");
    bool read = file && fgets(password, CQL_PASSWORD_MAX, file);
    if (file)
        fclose(file);
    if (read)
        password[strcspn(password, "\r\n")] = '\0';
    return read ? 0 : -1;
}

static cql_opening_t s_log_in(cql_connection_t *self, cql_writer_t *frame,
                              uint64_t deadline_ms)
{
    answer_t answer;
    cql_startup(frame);
    cql_opening_t got = s_exchange(self, frame, deadline_ms, &answer);
    if (got != CQL_OPENED || answer.opcode == CQL_OP_READY)
        return got;
    if (answer.opcode != CQL_OP_AUTHENTICATE)
        return s_refused(self, &answer);
    const cql_options_t *options = self->options;
    if (!options->user) {
        cql_connection_close(self, "the server wants a user and a password");
        return CQL_REFUSED;
    }
    char password[CQL_PASSWORD_MAX];
    if (s_read_password(options->password_file, password)) {
        cql_connection_close(self, "the password file cannot be read");
        return CQL_REFUSED;
    }
    cql_auth_response(frame, options->user, password);
    got = s_exchange(self, frame, deadline_ms, &answer);
    if (got != CQL_OPENED || answer.opcode == CQL_OP_AUTH_SUCCESS)
        return got;
    return s_refused(self, &answer);
}

static cql_opening_t s_prepare(cql_connection_t *self, cql_writer_t *frame,
                               uint64_t deadline_ms)
{
    cql_statements_t *statements = self->statements;
    for (size_t i = 0; i < statements->count; i++) {
        answer_t answer;
        cql_prepare(frame, statements->texts[i]);
        cql_opening_t got = s_exchange(self, frame, deadline_ms, &answer);
        if (got != CQL_OPENED)
            return got;
        if (answer.opcode != CQL_OP_RESULT || answer.id.size == 0)
            return s_refused(self, &answer);
        statements->ids[i] = answer.id;
    }
    return CQL_OPENED;
}

cql_opening_t cql_connection_open(cql_connection_t *self, uint64_t deadline_ms)
{
    assert(!self->socket);
    bool refused;
    cql_writer_t frame = {0};
    self->socket = cql_socket_open(&self->options->address, deadline_ms,
                                   &refused, self->error, sizeof self->error);
    if (!self->socket)
        return refused ? CQL_REFUSED : CQL_AWAY;
    cql_opening_t got = s_log_in(self, &frame, deadline_ms);
    if (got == CQL_OPENED)
        got = s_prepare(self, &frame, deadline_ms);
    cql_writer_fini(&frame);
    return got;
}

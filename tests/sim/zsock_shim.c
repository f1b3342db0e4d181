/* SPDX-License-Identifier: Apache-2.0
 *
 * czmq's zsock and libzmq's messages, as far as the sources use them, over the
 * simulated bus. A zmq_msg_t holds its bytes in the running process's heap.
 */
#include "tests/sim/bus_parts.h"
#include "tests/sim/heap.h"
#include "tests/sim/shim.h"

#include <czmq.h>
#include <stdarg.h>

/* ---- sockets ---------------------------------------------------------- */

/* zactor.c of ours begins with the same tag. */
sock_t *sock_of(void *any)
{
    actor_t *actor = any;
    return actor->tag == ACTOR_TAG ? actor->pipe : any;
}

zsock_t *zsock_new_checked(int type, const char *file, size_t line)
{
    (void)file, (void)line;
    return sock_new(type);
}

#undef zsock_new
zsock_t *zsock_new(int type)
{
    return sock_new(type);
}

#undef zsock_destroy
void zsock_destroy(zsock_t **self_p)
{
    if (*self_p)
        sock_free(*self_p);
    *self_p = NULL;
}

void zsock_destroy_checked(zsock_t **self_p, const char *file, size_t line)
{
    (void)file, (void)line;
    zsock_destroy(self_p);
}

void *zsock_resolve(void *self)
{
    return sock_of(self);
}

/* "tcp://NAME:PORT". */
static int s_parse(const char *endpoint, char name[16], unsigned *port)
{
    return sscanf(endpoint, "tcp://%15[^:]:%u", name, port) == 2 ? 0 : -1;
}

__attribute__((format(printf, 3, 0))) static int
s_text(char *text, size_t size, const char *format, va_list words)
{
    int length = vsnprintf(text, size, format, words);
    return length < (int)size ? 0 : -1;
}

int zsock_bind(zsock_t *self, const char *format, ...)
{
    char endpoint[256], name[16];
    va_list words;
    va_start(words, format);
    int bad = s_text(endpoint, sizeof endpoint, format, words);
    va_end(words);
    if (bad || s_parse(endpoint, name, &self->port) < 0)
        return -1;
    self->bound = true;
    return (int)self->port;
}

int zsock_connect(zsock_t *self, const char *format, ...)
{
    char endpoint[256], name[16];
    unsigned port;
    va_list words;
    va_start(words, format);
    int bad = s_text(endpoint, sizeof endpoint, format, words);
    va_end(words);
    if (bad || s_parse(endpoint, name, &port) < 0)
        return -1;
    for (unsigned i = 0; i < process_count; i++) {
        if (strcmp(processes[i].name, name) != 0)
            continue;
        sock_connect(self, i, port);
        return 0;
    }
    return -1;
}

int zsock_signal(void *self, byte status)
{
    message_t *message = message_new();
    message_add(message, &status, 1);
    return sock_send(sock_of(self), message);
}

int zsock_events(void *self)
{
    return sock_readable(sock_of(self)) ? ZMQ_POLLIN | ZMQ_POLLOUT
                                        : ZMQ_POLLOUT;
}

SOCKET zsock_fd(void *self)
{
    (void)self;
    return -1;
}

#define OPTION(name, field)                                                    \
    void zsock_set_##name(void *self, int value)                               \
    {                                                                          \
        sock_of(self)->field = value;                                          \
    }
OPTION(sndhwm, send_mark)
OPTION(rcvhwm, receive_mark)
OPTION(reconnect_ivl, reconnect_ms)
OPTION(reconnect_ivl_max, reconnect_max_ms)
OPTION(connect_timeout, connect_timeout_ms)

/* Without meaning here, or the only way that the simulated bus has. */
#define IGNORED(name)                                                          \
    void zsock_set_##name(void *self, int value)                               \
    {                                                                          \
        (void)self, (void)value;                                               \
    }
IGNORED(linger)
IGNORED(maxmsgsize)
IGNORED(heartbeat_ivl)
IGNORED(heartbeat_timeout)
IGNORED(heartbeat_ttl)
IGNORED(handshake_ivl)
IGNORED(zap_enforce_domain)
IGNORED(ipv6)
IGNORED(router_mandatory)
IGNORED(router_handover)
IGNORED(immediate)
IGNORED(sndtimeo)
IGNORED(rcvtimeo)
IGNORED(curve_server)
IGNORED(sndbuf)
IGNORED(rcvbuf)
IGNORED(tcp_keepalive)

void zsock_set_subscribe(void *self, const char *topic)
{
    (void)self, (void)topic;
}

void zsock_set_zap_domain(void *self, const char *domain)
{
    (void)self, (void)domain;
}

/* ---- CURVE: keys that fit or do not, without the mathematics ---------- */

int zmq_curve_public(char *public_key, const char *secret_key)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *at = secret_key; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    snprintf(public_key, 41, "%040llu", (unsigned long long)hash);
    return 0;
}

int zmq_curve_keypair(char *public_key, char *secret_key)
{
    snprintf(secret_key, 41, "%040llu", (unsigned long long)rng_u64());
    return zmq_curve_public(public_key, secret_key);
}

char *zmq_z85_encode(char *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size / 4 * 5; i++)
        text[i] = (char)('!' + bytes[i * 4 / 5] % 90);
    text[size / 4 * 5] = '\0';
    return text;
}

uint8_t *zmq_z85_decode(uint8_t *bytes, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        bytes[i * 4 / 5] = (uint8_t)text[i];
    return bytes;
}

/* No connection is under CURVE here: nobody says whose it is. */
const char *zmq_msg_gets(const zmq_msg_t *message, const char *property)
{
    (void)message, (void)property;
    return NULL;
}

void zsock_set_curve_serverkey(void *self, const char *key)
{
    snprintf(sock_of(self)->server_key, 41, "%s", key);
}

void zsock_set_curve_publickey(void *self, const char *key)
{
    (void)self, (void)key;
}

void zsock_set_curve_secretkey(void *self, const char *key)
{
    sock_t *sock = sock_of(self);
    zmq_curve_public(sock->public_key, key);
}

/* ---- libzmq's messages ------------------------------------------------ */

/* What a zmq_msg_t is here. The bytes begin with a count of holders. */
typedef struct {
    uint64_t *block;
    size_t size;
    bool more;
} msg_t;

_Static_assert(sizeof(msg_t) <= sizeof(zmq_msg_t), "room");

static msg_t *s_msg(const zmq_msg_t *message)
{
    return (msg_t *)(uintptr_t)message;
}

int zmq_msg_init(zmq_msg_t *message)
{
    *s_msg(message) = (msg_t){0};
    return 0;
}

int zmq_msg_init_size(zmq_msg_t *message, size_t size)
{
    *s_msg(message) = (msg_t){.block = heap_alloc(size + 8), .size = size};
    *s_msg(message)->block = 1;
    return 0;
}

int zmq_msg_close(zmq_msg_t *message)
{
    msg_t *self = s_msg(message);
    if (self->block && !--*self->block)
        heap_free(self->block);
    *self = (msg_t){0};
    return 0;
}

int zmq_msg_move(zmq_msg_t *to, zmq_msg_t *from)
{
    zmq_msg_close(to);
    *s_msg(to) = *s_msg(from);
    *s_msg(from) = (msg_t){0};
    return 0;
}

int zmq_msg_copy(zmq_msg_t *to, zmq_msg_t *from)
{
    zmq_msg_close(to);
    *s_msg(to) = *s_msg(from);
    if (s_msg(to)->block)
        ++*s_msg(to)->block;
    return 0;
}

void *zmq_msg_data(zmq_msg_t *message)
{
    return s_msg(message)->block ? s_msg(message)->block + 1 : NULL;
}

size_t zmq_msg_size(const zmq_msg_t *message)
{
    return s_msg(message)->size;
}

int zmq_msg_more(const zmq_msg_t *message)
{
    return s_msg(message)->more;
}

int zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    sock_t *sock = socket;
    if (!sock->writing)
        sock->writing = message_new();
    int size = (int)zmq_msg_size(message);
    message_add(sock->writing, zmq_msg_data(message), (size_t)size);
    if (!(flags & ZMQ_SNDMORE)) {
        message_t *whole = sock->writing;
        sock->writing = NULL;
        if (sock_send(sock, whole) < 0)
            return -1;
    }
    zmq_msg_close(message);
    return size;
}

int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    sock_t *sock = socket;
    (void)flags;
    if (!sock->reading) {
        sock->reading = sock_receive(sock);
        sock->frame = 0;
    }
    if (!sock->reading)
        return -1;
    message_t *whole = sock->reading;
    int i = sock->frame++;
    zmq_msg_close(message);
    zmq_msg_init_size(message, whole->frames[i].size);
    memcpy(zmq_msg_data(message), whole->frames[i].bytes,
           whole->frames[i].size);
    s_msg(message)->more = i + 1 < whole->count;
    if (i + 1 == whole->count) {
        message_free(whole);
        sock->reading = NULL;
    }
    return (int)zmq_msg_size(message);
}

int zmq_send(void *socket, const void *bytes, size_t size, int flags)
{
    message_t *message = message_new();
    (void)flags;
    message_add(message, bytes, size);
    return sock_send(socket, message) < 0 ? -1 : (int)size;
}

int zmq_errno(void)
{
    return errno;
}

const char *zmq_strerror(int error)
{
    return strerror(error);
}

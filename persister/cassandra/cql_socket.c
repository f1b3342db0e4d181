/* SPDX-License-Identifier: Apache-2.0
 *
 * See cql_socket.h. Opening blocks until its deadline; reading and writing
 * then return what the kernel or OpenSSL has.
 */
#include "persister/cassandra/cql_socket.h"

#include "common/clock.h"
#include "common/mem.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct cql_socket {
    int fd;
    SSL_CTX *context; /* NULL: without TLS */
    SSL *tls;
    bool wants_write; /* TLS cannot read before it has written */
};

/* What an opening knows; kept together to keep the calls short. */
typedef struct {
    const cql_address_t *address;
    uint64_t deadline_ms;
    bool refused;
    char *why;
    size_t why_size;
} opening_t;

static int s_poll(int fd, short events, uint64_t deadline_ms)
{
    uint64_t now_ms = clock_mono_ms();
    if (now_ms >= deadline_ms)
        return -1;
    struct pollfd item = {.fd = fd, .events = events};
    int left_ms = (int)(deadline_ms - now_ms);
    int ready;
    do {
        ready = poll(&item, 1, left_ms);
    } while (ready < 0 && errno == EINTR);
    return ready == 1 ? 0 : -1;
}

/* ---- TCP ----------------------------------------------------------------- */

/* A connected descriptor; else -1 and errno. */
static int s_connect(const struct addrinfo *to, uint64_t deadline_ms)
{
    int fd =
        socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int error = 0, on = 1;
    socklen_t size = sizeof error;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (connect(fd, to->ai_addr, to->ai_addrlen)) {
        error = errno;
        if (error == EINPROGRESS) {
            error = ETIMEDOUT;
            if (!s_poll(fd, POLLOUT, deadline_ms))
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        }
    }
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* The first of the host's addresses that answers. */
static int s_dial(opening_t *opening)
{
    const cql_address_t *address = opening->address;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(address->host, address->port, &hints, &found);
    if (code) {
        snprintf(opening->why, opening->why_size, "%s: %s", address->host,
                 gai_strerror(code));
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *each = found; each && fd < 0; each = each->ai_next)
        fd = s_connect(each, opening->deadline_ms);
    if (fd < 0)
        snprintf(opening->why, opening->why_size, "%s:%s: %s", address->host,
                 address->port, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

/* ---- TLS ----------------------------------------------------------------- */

static int s_refuse(opening_t *opening, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());
    opening->refused = true;
    snprintf(opening->why, opening->why_size, "%s:%s: %s%s%s",
             opening->address->host, opening->address->port, what,
             reason ? ": " : "", reason ? reason : "");
    return -1;
}

static bool s_is_address(const char *host)
{
    struct in6_addr ignored;
    return inet_pton(AF_INET, host, &ignored) == 1 ||
           inet_pton(AF_INET6, host, &ignored) == 1;
}

static int s_tls_prepare(cql_socket_t *self, opening_t *opening)
{
    const cql_address_t *address = opening->address;
    self->context = SSL_CTX_new(TLS_client_method());
    if (!self->context)
        abort(); /* out of memory, as in mem_* */
    SSL_CTX_set_min_proto_version(self->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(self->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(self->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    int loaded = address->ca_file
                     ? SSL_CTX_load_verify_locations(self->context,
                                                     address->ca_file, NULL)
                     : SSL_CTX_set_default_verify_paths(self->context);
    if (loaded != 1)
        return s_refuse(opening, "the certificate authorities are unreadable");
    self->tls = SSL_new(self->context);
    if (!self->tls)
        abort();
    X509_VERIFY_PARAM *checks = SSL_get0_param(self->tls);
    if (s_is_address(address->host)) {
        X509_VERIFY_PARAM_set1_ip_asc(checks, address->host);
    } else {
        X509_VERIFY_PARAM_set1_host(checks, address->host, 0);
        SSL_set_tlsext_host_name(self->tls, address->host);
    }
    SSL_set_fd(self->tls, self->fd);
    return 0;
}

static int s_tls_connect(cql_socket_t *self, opening_t *opening)
{
    if (s_tls_prepare(self, opening))
        return -1;
    int code;
    ERR_clear_error();
    while ((code = SSL_connect(self->tls)) != 1) {
        int error = SSL_get_error(self->tls, code);
        long verified = SSL_get_verify_result(self->tls);
        if (verified != X509_V_OK)
            return s_refuse(opening, X509_verify_cert_error_string(verified));
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            snprintf(opening->why, opening->why_size,
                     "%s:%s: the TLS handshake failed", opening->address->host,
                     opening->address->port);
            return -1;
        }
        short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        if (s_poll(self->fd, events, opening->deadline_ms)) {
            snprintf(opening->why, opening->why_size,
                     "%s:%s: the TLS handshake timed out",
                     opening->address->host, opening->address->port);
            return -1;
        }
    }
    return 0;
}

/* ---- Public -------------------------------------------------------------- */

cql_socket_t *cql_socket_open(const cql_address_t *address,
                              uint64_t deadline_ms, bool *refused, char *why,
                              size_t why_size)
{
    opening_t opening = {
        .address = address,
        .deadline_ms = deadline_ms,
        .why = why,
        .why_size = why_size,
    };
    cql_socket_t *self = mem_zalloc(1, sizeof *self);
    /* OpenSSL writes without MSG_NOSIGNAL. */
    signal(SIGPIPE, SIG_IGN);
    self->fd = s_dial(&opening);
    if (self->fd < 0 || (address->tls && s_tls_connect(self, &opening)))
        cql_socket_close(&self);
    *refused = opening.refused;
    return self;
}

void cql_socket_close(cql_socket_t **self_p)
{
    cql_socket_t *self = *self_p;
    if (!self)
        return;
    if (self->tls && SSL_is_init_finished(self->tls))
        SSL_shutdown(self->tls);
    SSL_free(self->tls);
    SSL_CTX_free(self->context);
    if (self->fd >= 0)
        close(self->fd);
    free(self);
    *self_p = NULL;
}

int cql_socket_fd(const cql_socket_t *self)
{
    return self->fd;
}

short cql_socket_events(const cql_socket_t *self, bool writing)
{
    return (short)(POLLIN | (writing || self->wants_write ? POLLOUT : 0));
}

/* A TLS call's answer in our terms. */
static int s_tls_result(cql_socket_t *self, int moved)
{
    self->wants_write = false;
    if (moved > 0)
        return moved;
    int error = SSL_get_error(self->tls, moved);
    self->wants_write = error == SSL_ERROR_WANT_WRITE;
    return error == SSL_ERROR_WANT_READ || self->wants_write ? 0 : -1;
}

static int s_plain_result(ssize_t moved)
{
    if (moved > 0)
        return (int)moved;
    bool again = moved < 0 && (errno == EAGAIN || errno == EINTR);
    return again ? 0 : -1;
}

int cql_socket_read(cql_socket_t *self, void *bytes, size_t size)
{
    if (size > INT_MAX)
        size = INT_MAX;
    if (!self->tls)
        return s_plain_result(recv(self->fd, bytes, size, 0));
    ERR_clear_error();
    return s_tls_result(self, SSL_read(self->tls, bytes, (int)size));
}

int cql_socket_write(cql_socket_t *self, const void *bytes, size_t size)
{
    if (size > INT_MAX)
        size = INT_MAX;
    if (!self->tls)
        return s_plain_result(send(self->fd, bytes, size, MSG_NOSIGNAL));
    ERR_clear_error();
    return s_tls_result(self, SSL_write(self->tls, bytes, (int)size));
}

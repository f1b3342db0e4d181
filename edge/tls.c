/* SPDX-License-Identifier: Apache-2.0
 *
 * See tls.h. OpenSSL itself and not libwebsockets, whose raw role could do it
 * too: docs/architecture.md says why.
 */
#include "edge/tls.h"

#include "common/log.h"
#include "common/mem.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define RECORD_BYTES 16384
#define CIPHERS_1_2                                                            \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* What tells that a file was replaced. */
typedef struct {
    struct timespec changed;
    ino_t inode;
    off_t size;
} stamp_t;

struct tls {
    const char *cert_file, *key_file;
    SSL_CTX *context;
    stamp_t seen[2]; /* of the files when they were last read */
};

/* --- Certificates ---------------------------------------------------------
 */

/* RFC 7301: of what the client offers, http/1.1, or no connection. */
static int s_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *size,
                     const unsigned char *offered, unsigned offered_size,
                     void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)context;
    if (SSL_select_next_proto((unsigned char **)out, size, ours,
                              sizeof ours - 1, offered,
                              offered_size) == OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_OK;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *s_context(const tls_t *self)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, s_on_alpn, NULL);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1 &&
        SSL_CTX_use_certificate_chain_file(context, self->cert_file) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, self->key_file,
                                    SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(context) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static stamp_t s_stamp(const char *path)
{
    struct stat file;
    if (stat(path, &file) < 0)
        return (stamp_t){.inode = 0};
    return (stamp_t){file.st_mtim, file.st_ino, file.st_size};
}

static bool s_same(const stamp_t *a, const stamp_t *b)
{
    return a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec && a->inode == b->inode &&
           a->size == b->size;
}

/* The stamps are taken first: what changes while it is read is read again. */
static int s_load(tls_t *self)
{
    self->seen[0] = s_stamp(self->cert_file);
    self->seen[1] = s_stamp(self->key_file);
    ERR_clear_error();
    SSL_CTX *context = s_context(self);
    if (context) {
        SSL_CTX_free(self->context); /* connections hold their own reference */
        self->context = context;
        return 0;
    }
    char reason[160], cert[128], key[128];
    ERR_error_string_n(ERR_peek_error(), reason, sizeof reason);
    log_error("tls_unusable", "cert=%s key=%s reason=\"%s\"",
              log_quote(cert, sizeof cert, self->cert_file),
              log_quote(key, sizeof key, self->key_file), reason);
    ERR_clear_error();
    return -1;
}

tls_t *tls_new(const char *cert_file, const char *key_file)
{
    tls_t *self = mem_zalloc(1, sizeof *self);
    self->cert_file = cert_file;
    self->key_file = key_file;
    if (s_load(self) < 0)
        tls_destroy(&self);
    return self;
}

void tls_destroy(tls_t **self_p)
{
    tls_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    SSL_CTX_free(self->context);
    free(self);
}

void tls_reload(tls_t *self)
{
    if (self && s_load(self) == 0)
        log_info("certificate_loaded", NULL);
}

void tls_watch(tls_t *self)
{
    if (!self)
        return;
    stamp_t cert = s_stamp(self->cert_file), key = s_stamp(self->key_file);
    if (!s_same(&cert, &self->seen[0]) || !s_same(&key, &self->seen[1]))
        tls_reload(self);
}

/* --- Streams --------------------------------------------------------------
 */

/* What a call of OpenSSL means that moved no byte: 0 if it has to wait. */
static ssize_t s_wait(stream_t *self, int result)
{
    int reason = SSL_get_error(self->tls, result);
    if (reason == SSL_ERROR_ZERO_RETURN)
        return -1;
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
        ERR_clear_error();
        SSL_set_quiet_shutdown(self->tls, 1); /* nothing can be said */
        return -1;
    }
    if (!SSL_is_init_finished(self->tls))
        stream_wait(self, reason == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
    return 0;
}

static ssize_t s_read(stream_t *self, void *bytes, size_t size)
{
    size_t got;
    int result = SSL_read_ex(self->tls, bytes, size, &got);
    return result > 0 ? (ssize_t)got : s_wait(self, result);
}

/* All that the socket takes of these bytes. */
static ssize_t s_write_piece(stream_t *self, const void *bytes, size_t size)
{
    size_t done = 0, sent;
    while (done < size) {
        int result = SSL_write_ex(self->tls, (const char *)bytes + done,
                                  size - done, &sent);
        if (result <= 0)
            return s_wait(self, result) < 0 ? -1 : (ssize_t)done;
        done += sent;
    }
    return (ssize_t)done;
}

/* A head and the beginning of its body are one record. Offered again after a
 * wait, the same bytes make the same one, as OpenSSL asks for. */
static ssize_t s_write(stream_t *self, const struct iovec *pieces, int count,
                       bool more)
{
    static char record[RECORD_BYTES]; /* one thread */
    (void)more;
    size_t done = 0, joined = 0;
    if (count == 2 && pieces[0].iov_len < sizeof record) {
        size_t rest = sizeof record - pieces[0].iov_len;
        if (rest > pieces[1].iov_len)
            rest = pieces[1].iov_len;
        memcpy(record, pieces[0].iov_base, pieces[0].iov_len);
        memcpy(record + pieces[0].iov_len, pieces[1].iov_base, rest);
        joined = pieces[0].iov_len + rest;
        ssize_t sent = s_write_piece(self, record, joined);
        if (sent < (ssize_t)joined)
            return sent;
        done = joined;
    }
    for (int i = 0; i < count; i++) {
        size_t skip = joined < pieces[i].iov_len ? joined : pieces[i].iov_len;
        size_t size = pieces[i].iov_len - skip;
        joined -= skip;
        ssize_t sent =
            s_write_piece(self, (const char *)pieces[i].iov_base + skip, size);
        if (sent < 0)
            return -1;
        done += (size_t)sent;
        if ((size_t)sent < size)
            break;
    }
    return (ssize_t)done;
}

static bool s_pending(const stream_t *self)
{
    return SSL_pending(self->tls) > 0;
}

static void s_finish(stream_t *self)
{
    if (SSL_is_init_finished(self->tls))
        SSL_shutdown(self->tls);
    ERR_clear_error();
    shutdown(self->item.fd, SHUT_WR);
}

/* A peer that still listens is told that the end is no accident. */
static void s_end(stream_t *self)
{
    if (SSL_is_init_finished(self->tls) && !SSL_get_shutdown(self->tls))
        SSL_shutdown(self->tls);
    ERR_clear_error();
}

static void s_fini(stream_t *self)
{
    SSL_free(self->tls);
}

int tls_open(tls_t *self, stream_t *stream, poller_t *poller, int fd)
{
    static const stream_ops_t ops = {
        s_read, s_write, NULL, s_pending, s_finish, s_end, s_fini,
    };
    SSL *ssl = SSL_new(self->context);
    if (!ssl)
        return -1;
    SSL_set_accept_state(ssl);
    SSL_set_fd(ssl, fd);
    if (stream_open(stream, poller, fd) < 0) {
        SSL_free(ssl);
        return -1;
    }
    stream->ops = &ops;
    stream->tls = ssl;
    return 0;
}

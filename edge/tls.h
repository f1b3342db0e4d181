/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS on the public port: version 1.2 or 1.3, ECDHE with an AEAD, http/1.1. The
 * only file of the edge that knows OpenSSL's connections.
 */
#ifndef EDGE_TLS_H
#define EDGE_TLS_H

#include "edge/stream.h"

typedef struct tls tls_t;

/* NULL, with a line in the log, if the certificate or its key cannot be used.
 * Both paths are borrowed. */
tls_t *tls_new(const char *cert_file, const char *key_file);
/* Connections that are open stay so. Safe on NULL. */
void tls_destroy(tls_t **self_p);

/* Reads certificate and key again, for connections that come from now on; if
 * they cannot be used, those in force stay, and a line in the log says why.
 * Safe on NULL. */
void tls_reload(tls_t *self);
/* The same if one of the files is another than before, and only once for each
 * change. Call every few seconds. Safe on NULL. */
void tls_watch(tls_t *self);

/* stream_open with TLS. The handshake goes on within stream_read. */
int tls_open(tls_t *self, stream_t *stream, poller_t *poller, int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * See guest.h.
 */
#include "edge/guest.h"

#include "common/log.h"
#include "common/mem.h"
#include "edge/guest_socket.h"
#include "edge/http.h"
#include "edge/mirror.h"
#include "edge/server.h"
#include "edge/session.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* URL, token of 8 KiB and the other headers of a request. */
#define HEADERS_MAX_BYTES 16384
/* A TLS record's worth: what libwebsockets leaves of one inside OpenSSL wakes
 * no loop, and a long head was never read to its end. */
#define RX_READ_BYTES 16384
/* Control frames must fit; longer messages come in pieces. */
#define RX_PIECE_BYTES 128
/* What lws hands to one send(). */
#define TX_PIECE_BYTES (1 << 20)

struct guest {
    edge_t *edge;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[4];
};

/* libwebsockets' memory for a WebSocket. */
typedef struct {
    guest_socket_t socket;
    session_t session;
} watcher_t;

edge_t *guest_edge(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

connection_t *guest_connection(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

static void s_forget_connection(struct lws *wsi)
{
    connection_t *connection = guest_connection(wsi);
    connection_destroy(&connection, guest_edge(wsi));
    lws_set_opaque_user_data(wsi, NULL);
}

static int s_on_http(struct lws *wsi, enum lws_callback_reasons reason,
                     void *user, void *in, size_t length)
{
    int result = http_callback(wsi, (int)reason, user, in, length);
    if (reason == LWS_CALLBACK_WSI_DESTROY)
        s_forget_connection(wsi);
    return result;
}

static int s_on_established(struct lws *wsi, watcher_t *watcher)
{
    edge_t *edge = guest_edge(wsi);
    connection_t *connection = guest_connection(wsi);
    if (!connection || !connection->upgrade || !mirror_board(edge->mirror))
        return -1;
    upgrade_t upgrade = *connection->upgrade;
    free(connection->upgrade);
    connection->upgrade = NULL;
    socket_fd_set_send_buffer(lws_get_socket_fd(wsi),
                              (int)edge->config->send_buffer_bytes);
    guest_socket_init(&watcher->socket, wsi);
    session_open(&watcher->session, edge, &watcher->socket.socket, &upgrade);
    session_start(&watcher->session, server_is_full(edge->server));
    return 0;
}

static int s_on_session(struct lws *wsi, enum lws_callback_reasons reason,
                        void *user, void *in, size_t length)
{
    watcher_t *watcher = user;
    if (reason == LWS_CALLBACK_ESTABLISHED)
        return s_on_established(wsi, watcher);
    if (!watcher || !watcher->session.edge)
        return 0;
    session_t *session = &watcher->session;
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        session_receive(session, in, length, lws_is_first_fragment(wsi),
                        lws_is_final_fragment(wsi), lws_frame_is_binary(wsi));
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        session_heard(session);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        session_writable(session);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return session_peer_closes(session);
    case LWS_CALLBACK_CLOSED:
        session_fini(session);
        return 0;
    default:
        return 0;
    }
}

/* --- Life ----------------------------------------------------------------- */

static void s_set_protocols(guest_t *self)
{
    self->protocols[0] = (struct lws_protocols){
        .name = "http",
        .callback = s_on_http,
        .per_session_data_size = http_user_bytes(),
        .tx_packet_size = TX_PIECE_BYTES,
    };
    for (int json = 0; json < 2; json++)
        self->protocols[1 + json] = (struct lws_protocols){
            .name = json ? WIRE_PROTOCOL_JSON : WIRE_PROTOCOL,
            .callback = s_on_session,
            .per_session_data_size = sizeof(watcher_t),
            .rx_buffer_size = RX_PIECE_BYTES,
            .tx_packet_size = TX_PIECE_BYTES,
        };
}

static struct lws_context_creation_info s_info(guest_t *self, void **loops)
{
    static const lws_retry_bo_t no_policy; /* its timers are a sorted list */
    const edge_config_t *config = self->edge->config;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = self->protocols,
        .user = self->edge,
        .foreign_loops = loops,
        .gid = -1,
        .uid = -1,
        /* The fall-back: what is no HTTP comes to http.c as RAW. */
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_FALLBACK_TO_APPLY_LISTEN_ACCEPT_CONFIG,
        .retry_and_idle_policy = &no_policy,
        .timeout_secs = CONNECTION_FIRST_S,
        .timeout_secs_ah_idle = CONNECTION_FIRST_S,
        .keepalive_timeout = CONNECTION_IDLE_S,
        .max_http_header_data = HEADERS_MAX_BYTES,
        .pt_serv_buf_size = RX_READ_BYTES,
        .server_string = "stipple",
        .alpn = "http/1.1",
        .vhost_name = "edge",
    };
    if (edge_config_has_tls(config)) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = config->tls_cert_file;
        info.ssl_private_key_filepath = config->tls_key_file;
    }
    return info;
}

guest_t *guest_new(edge_t *edge, struct uv_loop_s *loop)
{
    guest_t *self = mem_zalloc(1, sizeof *self);
    void *loops[] = {loop};
    self->edge = edge;
    s_set_protocols(self);
    struct lws_context_creation_info info = s_info(self, loops);
    lws_set_log_level(0, NULL); /* it logs per client */
    self->context = lws_create_context(&info);
    if (self->context)
        self->vhost = lws_create_vhost(self->context, &info);
    if (self->vhost)
        return self;
    log_error("server_failed", "hint=\"certificate, key, libuv plugin\"");
    if (self->context)
        lws_context_destroy(self->context);
    return NULL; /* and the process ends */
}

void guest_adopt(guest_t *self, int fd, connection_t *connection)
{
    struct lws *wsi = lws_adopt_socket_vhost(self->vhost, fd);
    if (wsi)
        lws_set_opaque_user_data(wsi, connection);
    else /* fd is closed */
        connection_destroy(&connection, self->edge);
}

/* A proper beginning, and no name itself. Methods end with a blank. */
static bool s_begins_a_name(const char *text, size_t size)
{
    const char *name;
    bool begins = false;
    for (int i = 0;
         (name = (const char *)lws_token_to_string((enum lws_token_indexes)i));
         i++)
        if (!strncasecmp(name, text, size)) {
            if (name[size] == ':')
                return false;
            begins |= name[size] != '\0';
        }
    return begins;
}

bool guest_misreads(const char *bytes, size_t size)
{
    const char *end = bytes + size, *line, *stop = bytes;
    while ((line = memchr(stop, '\n', (size_t)(end - stop)))) {
        stop = ++line;
        if (line < end && (*line == '\r' || *line == '\n'))
            return false; /* the body */
        while (stop < end && *stop != ':' && *stop != '\n')
            stop++;
        if (stop < end && *stop == ':' &&
            s_begins_a_name(line, (size_t)(stop - line)))
            return true;
    }
    return false;
}

void guest_leave(guest_t *self)
{
    lws_context_destroy(self->context);
}

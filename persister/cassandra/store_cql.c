/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in Cassandra or Amazon Keyspaces: construction and opening.
 */
#include "persister/cassandra/store_cql.h"

#include "common/log.h"
#include "common/mem.h"
#include "persister/stores.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define KEYSPACE_MAX 48
#define PORT_PLAIN "9042"
#define PORT_TLS "9142" /* as Keyspaces has it */

/* ---- Construction -------------------------------------------------------- */

static int s_complain(const char *why)
{
    log_error("store_url", "store=cassandra why=\"%s\"", why);
    return -1;
}

/* HOST[:PORT]/KEYSPACE, HOST perhaps in brackets; cut up in place. */
static int s_take_base(store_cql_t *self, char *base)
{
    char *slash = strrchr(base, '/');
    char *end = base;
    self->options.address.host = base;
    if (!slash)
        return s_complain("no keyspace behind the host");
    *slash = '\0';
    self->keyspace = slash + 1;
    if (*base == '[') {
        self->options.address.host = base + 1;
        end = strchr(base, ']');
        if (!end)
            return s_complain("a bracket is not closed");
        *end++ = '\0';
    }
    char *colon = strchr(end, ':');
    if (colon)
        *colon++ = '\0';
    self->options.address.port = colon                       ? colon
                                 : self->options.address.tls ? PORT_TLS
                                                             : PORT_PLAIN;
    if (!*self->options.address.host)
        return s_complain("no host");
    size_t length = strlen(self->keyspace);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)self->keyspace[i];
        if (!isdigit(c) && !islower(c) && c != '_')
            length = 0;
    }
    if (length == 0 || length > KEYSPACE_MAX || !isalpha(*self->keyspace))
        return s_complain("the keyspace is not made of lower-case letters, "
                          "digits and '_'");
    return 0;
}

static int s_take_consistency(store_cql_t *self, const char *word)
{
    static const struct {
        const char *word;
        cql_consistency_t consistency;
    } words[] = {
        {"local_quorum", CQL_LOCAL_QUORUM},
        {"quorum", CQL_QUORUM},
        {"local_one", CQL_LOCAL_ONE},
        {"one", CQL_ONE},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, word) == 0) {
            self->consistency = words[i].consistency;
            return 0;
        }
    }
    return s_complain("consistency is none of local_quorum, quorum, "
                      "local_one, one");
}

static int s_take_numbers(store_cql_t *self)
{
    const store_url_t *url = &self->url;
    int64_t connections =
        store_url_number(url, "connections", 2, 1, CQL_CONNECTIONS_MAX);
    int64_t parallel =
        store_url_number(url, "parallel", 32, 1, CQL_PARALLEL_MAX);
    int64_t replicas = store_url_number(url, "replicas", 1, 1, 9);
    if (connections < 0 || parallel < 0 || replicas < 0)
        return s_complain("connections, parallel or replicas is no number or "
                          "out of range");
    self->connections = (unsigned)connections;
    self->parallel = (unsigned)parallel;
    self->replicas = (unsigned)replicas;
    return 0;
}

static int s_take_url(store_cql_t *self)
{
    const store_url_t *url = &self->url;
    const char *tls = store_url_get(url, "tls", "off");
    const char *file = store_url_get(url, "password_file", NULL);
    self->options.user = store_url_get(url, "user", NULL);
    self->options.address.ca_file = store_url_get(url, "ca", NULL);
    self->options.address.tls = strcmp(tls, "on") == 0;
    if (!self->options.address.tls && strcmp(tls, "off") != 0)
        return s_complain("tls is neither on nor off");
    if (self->options.user && !file)
        return s_complain("a user without password_file");
    self->options.password_file = file;
    if (s_take_consistency(self,
                           store_url_get(url, "consistency", "local_quorum")))
        return -1;
    return s_take_numbers(self) ? -1 : s_take_base(self, url->base);
}

static void s_destroy(store_t **base_p)
{
    store_cql_t *self = (store_cql_t *)*base_p;
    for (unsigned i = 0; self->batches && i < self->parallel; i++)
        cql_writer_fini(&self->batches[i].frame);
    free(self->batches);
    cql_client_destroy(&self->client);
    blob_codec_destroy(&self->codec);
    for (size_t i = 0; i < self->statements.count; i++)
        free(self->statements.texts[i]);
    store_url_fini(&self->url);
    free(self);
    *base_p = NULL;
}

static store_t *s_new(const char *text)
{
    static const char *const known[] = {
        "user",        "password_file", "tls",      "ca", "consistency",
        "connections", "parallel",      "replicas", NULL,
    };
    const char *why;
    store_cql_t *self = mem_zalloc(1, sizeof *self);
    store_t *base = &self->base;
    base->ops = &store_cql;
    if (store_url_parse(&self->url, text, known, &why)) {
        s_complain(why);
        s_destroy(&base);
        return NULL;
    }
    if (s_take_url(self)) {
        s_destroy(&base);
        return NULL;
    }
    cql_statements_fill(self);
    self->client =
        cql_client_new(&self->options, &self->statements, self->connections);
    self->batches = mem_zalloc(self->parallel, sizeof *self->batches);
    self->codec = blob_codec_new();
    self->remote = (remote_t){.ops = &cql_remote, .codec = self->codec};
    return base;
}

static store_result_t s_open(store_t *base, store_state_t *state)
{
    store_cql_t *self = (store_cql_t *)base;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result == STORE_OK)
        result = remote_open(&self->remote, base, &self->state);
    if (result == STORE_OK)
        *state = self->state;
    return result;
}

static store_result_t s_cut(store_t *base, uint64_t after, uint32_t epoch,
                            uint64_t *cut)
{
    store_cql_t *self = (store_cql_t *)base;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result != STORE_OK)
        return result;
    return remote_cut(&self->remote, base, &self->state, after, epoch, cut);
}

static store_result_t s_replaced(store_t *base, store_scan_fn visit,
                                 void *context)
{
    return remote_replaced(&((store_cql_t *)base)->remote, base, visit,
                           context);
}

static store_result_t s_position(store_t *base, uint64_t at_most,
                                 position_t *position)
{
    return remote_position(&((store_cql_t *)base)->remote, base, at_most,
                           position);
}

static const char *s_error(const store_t *base)
{
    return cql_client_error(((const store_cql_t *)base)->client);
}

const store_ops_t store_cql = {
    .scheme = "cassandra",
    .help = "cassandra:HOST[:PORT]/KEYSPACE[?user=…&password_file=FILE&"
            "tls=on&ca=FILE&…]",
    .new = s_new,
    .destroy = s_destroy,
    .create_tables = cql_create_tables,
    .open = s_open,
    .write = cql_write,
    .cut = s_cut,
    .replaced = s_replaced,
    .position = s_position,
    .scan = cql_scan,
    .placements = cql_placements,
    .pixel = cql_pixel,
    .user = cql_user,
    .history = cql_history,
    .user_history = cql_user_history,
    .put_snapshot = cql_put_snapshot,
    .get_snapshot = cql_get_snapshot,
    .newest_snapshot = cql_newest_snapshot,
    .snapshots = cql_snapshots,
    .thin_snapshots = cql_thin_snapshots,
    .error = s_error,
};

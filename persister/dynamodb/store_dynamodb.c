/* SPDX-License-Identifier: Apache-2.0
 *
 * The store in DynamoDB: construction, opening and look-ups.
 */
#include "persister/dynamodb/store_dynamodb.h"

#include "common/log.h"
#include "common/mem.h"
#include "persister/dynamodb/dynamodb_item.h"
#include "persister/store_url.h"
#include "persister/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT 16
#define PREFIX_MAX 200

static store_dynamodb_t *s_self(store_t *base)
{
    return (store_dynamodb_t *)base;
}

/* ---- Construction -------------------------------------------------------- */

/* The endpoint from the URL, the environment or the region. The caller owns
 * it. */
static char *s_endpoint(const store_url_t *url, const char *region)
{
    const char *given = store_url_get(url, "endpoint", NULL);
    if (!given || !*given)
        given = getenv("AWS_ENDPOINT_URL_DYNAMODB");
    if (!given || !*given)
        given = getenv("AWS_ENDPOINT_URL");
    if (given && *given)
        return mem_strdup(given);
    char text[256];
    snprintf(text, sizeof text, "https://dynamodb.%s.amazonaws.com%s", region,
             strncmp(region, "cn-", 3) ? "" : ".cn");
    return mem_strdup(text);
}

static bool s_is_prefix(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = strlen(text);
    return length > 0 && length <= PREFIX_MAX &&
           strspn(text, letters) == length;
}

static store_t *s_build(const store_url_t *url, const char *region,
                        unsigned in_flight)
{
    static const char *const names[DYNAMODB_TABLES] = {
        [DYNAMODB_PLACEMENTS] = "placements",
        [DYNAMODB_JOURNAL] = "journal",
        [DYNAMODB_SNAPSHOTS] = "snapshots",
        [DYNAMODB_META] = "meta",
    };
    store_dynamodb_t *self = mem_zalloc(1, sizeof *self);
    self->base.ops = &store_dynamodb;
    self->in_flight = in_flight;
    for (size_t i = 0; i < DYNAMODB_TABLES; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s-%s", url->base, names[i]);
        self->tables[i] = mem_strdup(name);
    }
    char *endpoint = s_endpoint(url, region);
    /* One more than the batches: the blob that goes beside them. */
    self->client = dynamodb_client_new(endpoint, region, in_flight + 1);
    free(endpoint);
    self->batch = dynamodb_batch_new(
        self->client, self->tables[DYNAMODB_PLACEMENTS], in_flight);
    self->codec = blob_codec_new();
    self->remote = (remote_t){.ops = &dynamodb_remote, .codec = self->codec};
    return &self->base;
}

static store_t *s_new(const char *text)
{
    static const char *const known[] = {"region", "endpoint", "parallel", NULL};
    store_url_t url;
    const char *why;
    if (store_url_parse(&url, text, known, &why)) {
        log_error("store_url", "store=dynamodb why=\"%s\"", why);
        return NULL;
    }
    const char *given = store_url_get(&url, "region", NULL);
    char *region = given ? mem_strdup(given) : aws_region();
    int64_t in_flight =
        store_url_number(&url, "parallel", IN_FLIGHT, 1, DYNAMODB_BATCHES_MAX);
    store_t *store = NULL;
    if (!s_is_prefix(url.base))
        log_error("store_url", "store=dynamodb why=\"the prefix is not made "
                               "of letters, digits, '_', '.' and '-'\"");
    else if (!region || !*region)
        log_error("store_url", "store=dynamodb why=\"no region: set "
                               "AWS_REGION or ?region=\"");
    else if (in_flight < 0)
        log_error("store_url",
                  "store=dynamodb why=\"parallel is no number "
                  "from 1 to %d\"",
                  DYNAMODB_BATCHES_MAX);
    else
        store = s_build(&url, region, (unsigned)in_flight);
    free(region);
    store_url_fini(&url);
    return store;
}

static void s_destroy(store_t **base_p)
{
    store_dynamodb_t *self = s_self(*base_p);
    dynamodb_batch_destroy(&self->batch);
    dynamodb_client_destroy(&self->client);
    blob_codec_destroy(&self->codec);
    for (size_t i = 0; i < DYNAMODB_TABLES; i++)
        free(self->tables[i]);
    free(self);
    *base_p = NULL;
}

static const char *s_error(const store_t *base)
{
    return dynamodb_client_error(((const store_dynamodb_t *)base)->client);
}

/* ---- Calls --------------------------------------------------------------- */

void dynamodb_begin(const store_dynamodb_t *self, json_text_t *body,
                    dynamodb_table_t table)
{
    json_put(body, "{\"TableName\":\"");
    json_put(body, self->tables[table]);
    json_put(body, "\"");
}

store_result_t dynamodb_ask(store_dynamodb_t *self, const char *operation,
                            json_text_t *body, uint32_t timeout_ms,
                            json_t **answer, char *code)
{
    store_result_t result = dynamodb_client_ask(self->client, operation, body,
                                                timeout_ms, answer, code);
    json_text_fini(body);
    return result;
}

/* ---- State --------------------------------------------------------------- */

/* Each table is asked for a key: a missing one shows now. */
static store_result_t s_look_at_tables(store_dynamodb_t *self)
{
    static const char *const keys[DYNAMODB_TABLES] = {
        [DYNAMODB_PLACEMENTS] =
            "{\"pixel\":{\"S\":\"none\"},\"seq\":{\"N\":\"0\"}}",
        [DYNAMODB_JOURNAL] =
            "{\"chunk\":{\"N\":\"0\"},\"first\":{\"N\":\"0\"}}",
        [DYNAMODB_SNAPSHOTS] =
            "{\"snapshot\":{\"S\":\"none\"},\"part\":{\"N\":\"0\"}}",
    };
    for (size_t i = 0; i < DYNAMODB_META; i++) {
        json_text_t body = {0};
        dynamodb_begin(self, &body, (dynamodb_table_t)i);
        json_put(&body, ",\"Key\":");
        json_put(&body, keys[i]);
        json_put(&body, "}");
        store_result_t result =
            dynamodb_ask(self, "GetItem", &body, DYNAMODB_OPEN_MS, NULL, NULL);
        if (result != STORE_OK)
            return result;
    }
    return STORE_OK;
}

static store_result_t s_open(store_t *base, store_state_t *state)
{
    store_dynamodb_t *self = s_self(base);
    store_result_t result = s_look_at_tables(self);
    if (result == STORE_OK)
        result = remote_open(&self->remote, base, &self->state);
    if (result == STORE_OK)
        *state = self->state;
    return result;
}

static store_result_t s_cut(store_t *base, uint64_t after, uint32_t epoch,
                            uint64_t *cut)
{
    store_dynamodb_t *self = s_self(base);
    return remote_cut(&self->remote, base, &self->state, after, epoch, cut);
}

static store_result_t s_replaced(store_t *base, store_scan_fn visit,
                                 void *context)
{
    return remote_replaced(&s_self(base)->remote, base, visit, context);
}

static store_result_t s_position(store_t *base, uint64_t at_most,
                                 position_t *position)
{
    return remote_position(&s_self(base)->remote, base, at_most, position);
}

/* ---- Look-ups ------------------------------------------------------------ */

static store_result_t s_damaged(store_dynamodb_t *self)
{
    dynamodb_client_fail(self->client, "a damaged row in %s",
                         self->tables[DYNAMODB_PLACEMENTS]);
    return STORE_FAILED;
}

/* The newest item of a query whose key condition is "#k=:k"; frees `body`. */
static store_result_t s_newest(store_dynamodb_t *self, json_text_t *body,
                               record_t *record)
{
    json_t *answer = NULL;
    json_put(body, ",\"KeyConditionExpression\":\"#k=:k\",\"Limit\":1,"
                   "\"ScanIndexForward\":false}");
    store_result_t result =
        dynamodb_ask(self, "Query", body, DYNAMODB_LOOKUP_MS, &answer, NULL);
    if (result != STORE_OK)
        return result;
    const json_t *items = json_object_get(answer, "Items");
    if (json_array_size(items) == 0) {
        result = STORE_NONE;
    } else if (item_get_placement(json_array_get(items, 0), record)) {
        result = s_damaged(self);
    }
    json_decref(answer);
    return result;
}

static store_result_t s_pixel(store_t *base, uint16_t x, uint16_t y,
                              record_t *record)
{
    store_dynamodb_t *self = s_self(base);
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_PLACEMENTS);
    json_put(&body, ",\"ConsistentRead\":true,\"ExpressionAttributeNames\":"
                    "{\"#k\":\"pixel\"},\"ExpressionAttributeValues\":{");
    item_put_pixel(&body, ":k", x, y);
    json_put(&body, "}");
    return s_newest(self, &body, record);
}

/* A page of what `body` asks for, whose attribute values end with the key's. */
static store_result_t s_page(store_dynamodb_t *self, json_text_t *body,
                             store_page_t *page)
{
    json_t *answer = NULL;
    const json_t *item;
    size_t i;
    json_put(body, ",");
    item_put_number(body, ":s", page->before);
    json_put(body, "},\"KeyConditionExpression\":\"#k=:k AND #s<:s\","
                   "\"ScanIndexForward\":false,\"Limit\":");
    json_put_number(body, page->max + 1);
    json_put(body, "}");
    store_result_t result =
        dynamodb_ask(self, "Query", body, DYNAMODB_LOOKUP_MS, &answer, NULL);
    store_page_begin(page);
    json_array_foreach(json_object_get(answer, "Items"), i, item)
    {
        record_t record;
        if (item_get_placement(item, &record)) {
            result = s_damaged(self);
            break;
        }
        store_page_add(page, &record);
    }
    json_decref(answer);
    return result;
}

static store_result_t s_history(store_t *base, uint16_t x, uint16_t y,
                                store_page_t *page)
{
    store_dynamodb_t *self = s_self(base);
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_PLACEMENTS);
    json_put(&body, ",\"ConsistentRead\":true,\"ExpressionAttributeNames\":"
                    "{\"#k\":\"pixel\",\"#s\":\"seq\"},"
                    "\"ExpressionAttributeValues\":{");
    item_put_pixel(&body, ":k", x, y);
    return s_page(self, &body, page);
}

static store_result_t s_user_history(store_t *base, uint64_t user,
                                     store_page_t *page)
{
    store_dynamodb_t *self = s_self(base);
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_PLACEMENTS);
    json_put(&body, ",\"IndexName\":\"by_user\",\"ExpressionAttributeNames\":"
                    "{\"#k\":\"user\",\"#s\":\"seq\"},"
                    "\"ExpressionAttributeValues\":{");
    item_put_hex(&body, ":k", user);
    return s_page(self, &body, page);
}
static store_result_t s_user(store_t *base, uint64_t user, record_t *record)
{
    store_dynamodb_t *self = s_self(base);
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_PLACEMENTS);
    json_put(&body, ",\"IndexName\":\"by_user\",\"ExpressionAttributeNames\":"
                    "{\"#k\":\"user\"},\"ExpressionAttributeValues\":{");
    item_put_hex(&body, ":k", user);
    json_put(&body, "}");
    return s_newest(self, &body, record);
}

const store_ops_t store_dynamodb = {
    .scheme = "dynamodb",
    .help = "dynamodb:PREFIX[?region=…&endpoint=…&parallel=N]",
    .new = s_new,
    .destroy = s_destroy,
    .create_tables = dynamodb_create_tables,
    .open = s_open,
    .write = dynamodb_write,
    .cut = s_cut,
    .replaced = s_replaced,
    .position = s_position,
    .scan = dynamodb_scan,
    .placements = dynamodb_placements,
    .pixel = s_pixel,
    .user = s_user,
    .history = s_history,
    .user_history = s_user_history,
    .put_snapshot = dynamodb_put_snapshot,
    .get_snapshot = dynamodb_get_snapshot,
    .newest_snapshot = dynamodb_newest_snapshot,
    .snapshots = dynamodb_snapshots,
    .thin_snapshots = dynamodb_thin_snapshots,
    .error = s_error,
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables' shapes, and their creation with on-demand billing. Running it
 * again, or beside terraform's, changes nothing.
 */
#include "persister/dynamodb/store_dynamodb.h"

#include "common/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READY_MS 120000
#define POLL_US 500000

/* The rest of CreateTable behind the table's name. */
static const char *const shapes[DYNAMODB_TABLES] = {
    [DYNAMODB_PLACEMENTS] =
        ",\"AttributeDefinitions\":["
        "{\"AttributeName\":\"pixel\",\"AttributeType\":\"S\"},"
        "{\"AttributeName\":\"seq\",\"AttributeType\":\"N\"},"
        "{\"AttributeName\":\"user\",\"AttributeType\":\"S\"}],"
        "\"KeySchema\":["
        "{\"AttributeName\":\"pixel\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"seq\",\"KeyType\":\"RANGE\"}],"
        "\"GlobalSecondaryIndexes\":[{\"IndexName\":\"by_user\","
        "\"KeySchema\":["
        "{\"AttributeName\":\"user\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"seq\",\"KeyType\":\"RANGE\"}],"
        "\"Projection\":{\"ProjectionType\":\"ALL\"}}]",
    [DYNAMODB_JOURNAL] =
        ",\"AttributeDefinitions\":["
        "{\"AttributeName\":\"chunk\",\"AttributeType\":\"N\"},"
        "{\"AttributeName\":\"first\",\"AttributeType\":\"N\"}],"
        "\"KeySchema\":["
        "{\"AttributeName\":\"chunk\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"first\",\"KeyType\":\"RANGE\"}]",
    [DYNAMODB_SNAPSHOTS] =
        ",\"AttributeDefinitions\":["
        "{\"AttributeName\":\"snapshot\",\"AttributeType\":\"S\"},"
        "{\"AttributeName\":\"part\",\"AttributeType\":\"N\"}],"
        "\"KeySchema\":["
        "{\"AttributeName\":\"snapshot\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"part\",\"KeyType\":\"RANGE\"}]",
    [DYNAMODB_META] = ",\"AttributeDefinitions\":["
                      "{\"AttributeName\":\"name\",\"AttributeType\":\"S\"}],"
                      "\"KeySchema\":["
                      "{\"AttributeName\":\"name\",\"KeyType\":\"HASH\"}]",
};

static store_result_t s_create(store_dynamodb_t *self, dynamodb_table_t table)
{
    json_text_t body = {0};
    char code[DYNAMODB_CODE_SIZE];
    dynamodb_begin(self, &body, table);
    json_put(&body, ",\"BillingMode\":\"PAY_PER_REQUEST\"");
    json_put(&body, shapes[table]);
    json_put(&body, "}");
    store_result_t result =
        dynamodb_ask(self, "CreateTable", &body, DYNAMODB_LONG_MS, NULL, code);
    bool exists = strcmp(code, "ResourceInUseException") == 0;
    return exists ? STORE_OK : result;
}

static bool s_is(const json_t *object, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && strcmp(text, value) == 0;
}

/* OK where the table and its indexes are ready, NONE where not yet. */
static store_result_t s_is_ready(store_dynamodb_t *self, dynamodb_table_t table)
{
    json_text_t body = {0};
    json_t *answer = NULL;
    char code[DYNAMODB_CODE_SIZE];
    dynamodb_begin(self, &body, table);
    json_put(&body, "}");
    store_result_t result = dynamodb_ask(self, "DescribeTable", &body,
                                         DYNAMODB_LONG_MS, &answer, code);
    if (result != STORE_OK) /* a new table is not seen at once */
        return strcmp(code, "ResourceNotFoundException") ? result : STORE_NONE;
    const json_t *shown = json_object_get(answer, "Table");
    const json_t *index;
    size_t i;
    bool ready = s_is(shown, "TableStatus", "ACTIVE") ||
                 s_is(shown, "TableStatus", "UPDATING");
    json_array_foreach(json_object_get(shown, "GlobalSecondaryIndexes"), i,
                       index)
    {
        ready = ready && s_is(index, "IndexStatus", "ACTIVE");
    }
    json_decref(answer);
    return ready ? STORE_OK : STORE_NONE;
}

static store_result_t s_wait(store_dynamodb_t *self, dynamodb_table_t table)
{
    uint64_t deadline_ms = clock_mono_ms() + READY_MS;
    store_result_t result;
    while ((result = s_is_ready(self, table)) == STORE_NONE) {
        if (clock_mono_ms() >= deadline_ms) {
            dynamodb_client_fail(self->client, "%s is not ready yet",
                                 self->tables[table]);
            return STORE_RETRY;
        }
        usleep(POLL_US);
    }
    return result;
}

store_result_t dynamodb_create_tables(store_t *base)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    store_result_t result = STORE_OK;
    for (int i = 0; i < DYNAMODB_TABLES && result == STORE_OK; i++)
        result = s_create(self, (dynamodb_table_t)i);
    for (int i = 0; i < DYNAMODB_TABLES && result == STORE_OK; i++)
        result = s_wait(self, (dynamodb_table_t)i);
    return result;
}

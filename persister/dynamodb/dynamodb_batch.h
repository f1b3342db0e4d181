/* SPDX-License-Identifier: Apache-2.0
 *
 * Many placements as BatchWriteItem requests of 25, several in flight. What
 * DynamoDB leaves unprocessed is sent again after a back-off.
 */
#ifndef PERSISTER_DYNAMODB_DYNAMODB_BATCH_H
#define PERSISTER_DYNAMODB_DYNAMODB_BATCH_H

#include "common/record.h"
#include "persister/dynamodb/dynamodb_client.h"

#include <stddef.h>

#define DYNAMODB_BATCH_ITEMS 25
#define DYNAMODB_BATCHES_MAX 64 /* in flight */

typedef struct dynamodb_batch dynamodb_batch_t;

/* `table` is borrowed. */
dynamodb_batch_t *dynamodb_batch_new(dynamodb_client_t *client,
                                     const char *table, unsigned in_flight);
void dynamodb_batch_destroy(dynamodb_batch_t **self_p);

/* Starts; dynamodb_client_run does the rest. `records` are borrowed until
 * then; timeout_ms is each request's, so a slow server is no failure. */
void dynamodb_batch_start(dynamodb_batch_t *self, const record_t *records,
                          size_t count, uint32_t timeout_ms);

/* After the run: OK where every record is written. */
store_result_t dynamodb_batch_result(const dynamodb_batch_t *self);

#endif

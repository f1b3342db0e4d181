/* SPDX-License-Identifier: Apache-2.0
 *
 * Items of DynamoDB as JSON, written and read. A placement is
 *
 *     pixel S "x,y" · seq N · placed_at N (ms) · user S (16 hex) · color N
 */
#ifndef PERSISTER_DYNAMODB_DYNAMODB_ITEM_H
#define PERSISTER_DYNAMODB_DYNAMODB_ITEM_H

#include "common/record.h"
#include "persister/json_text.h"

#include <jansson.h>

#include <stdint.h>

/* Members of an item, without the comma behind: "name":{"N":"1"} and so on. */
void item_put_number(json_text_t *json, const char *name, uint64_t number);
void item_put_integer(json_text_t *json, const char *name, int64_t number);
void item_put_string(json_text_t *json, const char *name, const char *string);
void item_put_hex(json_text_t *json, const char *name, uint64_t number);
void item_put_bytes(json_text_t *json, const char *name, const void *bytes,
                    size_t size);
void item_put_pixel(json_text_t *json, const char *name, uint16_t x,
                    uint16_t y);

/* {"PutRequest":{"Item":{…}}} of a placement. */
void item_put_placement(json_text_t *json, const record_t *record);

/* -1 where a member is missing or of another kind. */
int item_get_placement(const json_t *item, record_t *record);
int item_get_number(const json_t *item, const char *name, uint64_t *number);
const char *item_get_string(const json_t *item, const char *name);

/* The caller owns the bytes; NULL where there are none. */
uint8_t *item_get_bytes(const json_t *item, const char *name, size_t *size);

#endif

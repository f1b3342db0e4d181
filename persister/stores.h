/* SPDX-License-Identifier: Apache-2.0
 *
 * The stores there are, for store.c's table alone.
 */
#ifndef PERSISTER_STORES_H
#define PERSISTER_STORES_H

#include "persister/store.h"

extern const store_ops_t store_cql;
extern const store_ops_t store_dynamodb;
extern const store_ops_t store_sqlite;

#endif

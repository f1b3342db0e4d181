/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators look up, as JSON: each verb's members as a question to a
 * persister. A function fills the question in, or says why it cannot be.
 */
#ifndef BROKER_INQUIRY_H
#define BROKER_INQUIRY_H

#include "broker/parts.h"
#include "common/bus_look.h"

#include <jansson.h>

/* Rows unless a limit is named. */
#define INQUIRY_LIMIT 50

typedef const char *(*inquiry_fn)(bus_look_t *look, const parts_t *parts,
                                  const json_t *request);

/* "x", "y": who placed there. */
const char *inquiry_who(bus_look_t *look, const parts_t *parts,
                        const json_t *request);
/* "user": what they placed. */
const char *inquiry_user(bus_look_t *look, const parts_t *parts,
                         const json_t *request);
/* "user", "box", "from", "until", "color", as far as they are there. */
const char *inquiry_search(bus_look_t *look, const parts_t *parts,
                           const json_t *request);
/* "operator" (a name), "from", "until": what operators did. */
const char *inquiry_audit(bus_look_t *look, const parts_t *parts,
                          const json_t *request);

#endif

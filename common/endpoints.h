/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of endpoints, as they stand in the settings of whoever connects.
 */
#ifndef COMMON_ENDPOINTS_H
#define COMMON_ENDPOINTS_H

/* The longest endpoint, with its NUL. */
#define ENDPOINT_MAX 256

/* Called with one endpoint, borrowed for the call; not 0 ends the walk. */
typedef int (*endpoint_fn)(void *context, const char *endpoint);

/* Calls `each` for every endpoint of `list` in turn. Commas and blanks separate
 * them, in any number and also at the ends, so "a,b", "a, b", " a" and "a,"
 * mean what they seem to. Returns how many there were (0 for NULL), or -1 if
 * one is longer than ENDPOINT_MAX, which is logged, or if `each` ended it. */
int endpoints_each(const char *list, endpoint_fn each, void *context);

#endif

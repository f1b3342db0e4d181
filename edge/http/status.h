/* SPDX-License-Identifier: Apache-2.0
 *
 * The status codes that the edge answers with, and their phrases (RFC 9110).
 */
#ifndef EDGE_HTTP_STATUS_H
#define EDGE_HTTP_STATUS_H

/* "Not Found"; "Unknown" for a code that is never sent. */
const char *status_phrase(unsigned status);

#endif

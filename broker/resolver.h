/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolves a host's name beside the loop: getaddrinfo may wait 20 seconds for a
 * name server, and a lease of three cannot. Each question gets a thread of its
 * own, which hands its answer over through a pipe and is never waited for: a
 * zactor's destroy would wait until getaddrinfo is done. One question at a
 * time.
 */
#ifndef BROKER_RESOLVER_H
#define BROKER_RESOLVER_H

#include <czmq.h>
#include <netinet/in.h>

#define RESOLVER_ADDRESSES_MAX 8

/* Numeric addresses, IPv4 or IPv6, in the order in which to try them. */
typedef struct {
    size_t count;
    char text[RESOLVER_ADDRESSES_MAX][INET6_ADDRSTRLEN];
    const char *error; /* static; set if count is 0 */
} resolver_answer_t;

typedef struct resolver resolver_t;

/* Called from the loop. The answer is borrowed during the call. */
typedef void (*resolver_fn)(void *context, const resolver_answer_t *answer);

/* Does what getaddrinfo does; tests put theirs in its place. Runs on threads.
 */
typedef void (*resolver_look_up_fn)(const char *host,
                                    resolver_answer_t *answer);

resolver_t *resolver_new(zloop_t *loop, resolver_fn on_answer, void *context);
/* Forgets a question that is not answered yet. */
void resolver_destroy(resolver_t **self_p);

/* on_answer is called later, never from in here. Not while another question is
 * to be answered. -1, and no answer will come, if the system gives no pipe. */
int resolver_ask(resolver_t *self, const char *host);

/* What looks up from now on, in this process; NULL: getaddrinfo. */
void resolver_use(resolver_look_up_fn look_up);

#endif

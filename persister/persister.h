/* SPDX-License-Identifier: Apache-2.0
 *
 * The running persister: one zloop that moves records from the leading broker
 * to the writer, and confirms what the store has.
 *
 *     idle ── grant ──▶ opening ── state read ──▶ active ◀── done ── cutting
 *       ▲                  │                        │                     ▲
 *       │                  │          another history is seen             │
 *       │                  │                        ▼             found, and
 * the │                  │                     searching ──── leader's wins ──┘
 *       └── no grant for 2 s, or another is active ─┘
 *
 * A store's history is never continued by another one (docs/bus.md, Forks). The
 * picture is course.c's table; persister.c does what it says.
 */
#ifndef PERSISTER_PERSISTER_H
#define PERSISTER_PERSISTER_H

#include "common/bus_socket.h"
#include "persister/config.h"

typedef struct persister persister_t;

/* NULL, with a line in the log, where the store's URL, an endpoint or a port
 * cannot be used. Config and secret outlive it. */
persister_t *persister_new(const persister_config_t *config,
                           const bus_security_t *security);
void persister_destroy(persister_t **self_p);

/* Until SIGTERM or SIGINT; then what is queued is written, and told. */
void persister_run(persister_t *self);

#endif

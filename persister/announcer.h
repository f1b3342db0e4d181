/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds what moderators did among the records that a persister takes, and hands
 * it to the sender, who tells a webhook; without one it does nothing. What does
 * not fit into its queue, and what is old already (a store is filled from the
 * log, say), is dropped and counted.
 */
#ifndef PERSISTER_ANNOUNCER_H
#define PERSISTER_ANNOUNCER_H

#include "persister/config.h"
#include "persister/webhook_sender.h"

typedef struct {
    zactor_t *sender; /* NULL: there is no webhook */
    char *secret;
    size_t secret_size;
    control_reader_t reader;
    webhook_news_t news;
    uint64_t offered;
    uint64_t dropped; /* here: the sender counts its own */
} announcer_t;

/* All zero before. -1, and logged, if the settings make no sense. */
int announcer_start(announcer_t *self, const persister_config_t *config);
/* Also if it was never started. */
void announcer_stop(announcer_t *self);

/* The records of a message, but for the first `skip`. */
void announcer_see(announcer_t *self, const uint8_t *records, size_t count,
                   uint64_t skip, uint64_t now_ms);
/* Reads news from the sender's socket. */
void announcer_hear(announcer_t *self);

uint64_t announcer_waiting(const announcer_t *self);
uint64_t announcer_dropped(const announcer_t *self);

#endif

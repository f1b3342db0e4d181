/* SPDX-License-Identifier: Apache-2.0
 *
 * See source.h. Opening again after a failure waits for a fixed time.
 */
#include "persister/source.h"

#include "common/clock.h"
#include "common/log.h"

/* A store that failed is not asked again before. */
#define REOPEN_MS 500

int source_init(source_t *self, const char *store_url)
{
    *self = (source_t){.store = store_new(store_url)};
    return self->store ? 0 : -1;
}

void source_fini(source_t *self)
{
    store_destroy(&self->store);
}

void source_failed(source_t *self, const char *doing)
{
    char quoted[400];
    log_warn(
        "store_failed", "doing=%s error=%s", doing,
        log_quote(quoted, sizeof quoted, self->store->ops->error(self->store)));
    self->open = false;
    self->reopen_at_ms = clock_mono_ms() + REOPEN_MS;
}

bool source_ready(source_t *self)
{
    if (self->open)
        return true;
    if (clock_mono_ms() < self->reopen_at_ms)
        return false;
    if (store_open(self->store, &self->state, NULL) != STORE_OK) {
        source_failed(self, "open");
        return false;
    }
    self->open = true;
    return true;
}

bool source_ready_anew(source_t *self)
{
    self->open = false;
    self->reopen_at_ms = 0;
    return source_ready(self);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See announcer.h.
 */
#include "persister/announcer.h"

#include "common/key_file.h"
#include "common/log.h"

#include <openssl/crypto.h>

int announcer_start(announcer_t *self, const persister_config_t *config)
{
    const char *why = NULL;
    if (!*config->webhook_url)
        return 0;
    if (!webhook_url_is_good(config->webhook_url)) {
        log_error("bad_setting",
                  "webhook_url is http://HOST… or https://HOST…");
        return -1;
    }
    if (*config->webhook_secret_file) {
        self->secret =
            secret_read(config->webhook_secret_file, &self->secret_size, &why);
        if (self->secret)
            why = secret_fault(self->secret, self->secret_size);
    }
    if (why) {
        key_file_refuse("webhook_secret_file", config->webhook_secret_file,
                        why);
        announcer_stop(self);
        return -1;
    }
    self->sender = webhook_sender_new(&(webhook_options_t){
        .url = config->webhook_url,
        .secret = self->secret,
        .secret_size = self->secret_size,
        .shape = webhook_shape_of(config->webhook_shape),
    });
    return 0;
}

void announcer_stop(announcer_t *self)
{
    zactor_destroy(&self->sender);
    if (self->secret)
        OPENSSL_cleanse(self->secret, self->secret_size);
    free(self->secret);
    self->secret = NULL;
}

uint64_t announcer_waiting(const announcer_t *self)
{
    return self->offered - self->news.told - self->news.dropped;
}

uint64_t announcer_dropped(const announcer_t *self)
{
    return self->dropped + self->news.dropped;
}

static void s_offer(announcer_t *self, const control_t *action, uint64_t now_ms)
{
    bool old = action->at_ms + WEBHOOK_PATIENCE_MS < now_ms;
    if (old || announcer_waiting(self) >= WEBHOOK_QUEUE_MAX) {
        self->dropped++;
        return;
    }
    webhook_tell(self->sender, action);
    self->offered++;
}

void announcer_see(announcer_t *self, const uint8_t *records, size_t count,
                   uint64_t skip, uint64_t now_ms)
{
    control_t action;
    for (size_t i = skip; self->sender && i < count; i++) {
        record_t record = record_decode(records + i * RECORD_BYTES);
        if (record_is_control(&record) &&
            control_read(&self->reader, &record, &action))
            s_offer(self, &action, now_ms);
    }
}

void announcer_hear(announcer_t *self)
{
    zframe_t *frame = zframe_recv(self->sender);
    if (!frame)
        return;
    assert(zframe_size(frame) == sizeof self->news);
    memcpy(&self->news, zframe_data(frame), sizeof self->news);
    zframe_destroy(&frame);
}

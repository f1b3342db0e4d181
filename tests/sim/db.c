/* SPDX-License-Identifier: Apache-2.0
 *
 * See db.h: keys, values and copies. The commands are in commands.c.
 */
#include "tests/sim/db_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bytes_t bytes_of(const void *bytes, size_t size)
{
    bytes_t self = {malloc(size + 1), size};
    if (size)
        memcpy(self.at, bytes, size);
    self.at[size] = '\0';
    return self;
}

bool bytes_are(const bytes_t *self, const word_t *word)
{
    return self->size == word->size &&
           (!word->size || !memcmp(self->at, word->bytes, word->size));
}

static void s_unref(entry_t *entry)
{
    if (--entry->refs)
        return;
    for (size_t i = 0; i < entry->count; i++)
        free(entry->words[i].at);
    free(entry->words);
    free(entry);
}

void value_clear(value_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->kind == VALUE_STREAM)
            s_unref(self->entries[i]);
        else
            free(self->fields[i].at);
    }
    free(self->kind == VALUE_STREAM ? (void *)self->entries
                                    : (void *)self->fields);
    free(self->string.at);
    free(self->key.at);
}

db_t *db_new(void)
{
    return calloc(1, sizeof(db_t));
}

void db_free(db_t **self_p)
{
    db_t *self = *self_p;
    *self_p = NULL;
    for (size_t i = 0; self && i < self->count; i++)
        value_clear(&self->values[i]);
    free(self);
}

static value_t s_copy(const value_t *from)
{
    value_t to = *from;
    to.key = bytes_of(from->key.at, from->key.size);
    to.room = from->count;
    if (from->kind == VALUE_STRING)
        to.string = bytes_of(from->string.at, from->string.size);
    if (from->kind == VALUE_STREAM) {
        to.entries = malloc((from->count + 1) * sizeof *to.entries);
        for (size_t i = 0; i < from->count; i++) {
            to.entries[i] = from->entries[i];
            to.entries[i]->refs++;
        }
        return to;
    }
    to.fields = malloc((from->count + 1) * sizeof *to.fields);
    for (size_t i = 0; i < from->count; i++)
        to.fields[i] = bytes_of(from->fields[i].at, from->fields[i].size);
    return to;
}

db_t *db_copy(const db_t *self)
{
    db_t *copy = db_new();
    copy->count = self->count;
    for (size_t i = 0; i < self->count; i++)
        copy->values[i] = s_copy(&self->values[i]);
    return copy;
}

void db_set_run(db_t *self, uint64_t run)
{
    self->run = run;
}

value_t *db_find(const db_t *self, const word_t *key)
{
    for (size_t i = 0; i < self->count; i++)
        if (bytes_are(&self->values[i].key, key))
            return (value_t *)(uintptr_t)&self->values[i];
    return NULL;
}

void db_drop(db_t *self, value_t *value)
{
    value_clear(value);
    *value = self->values[--self->count];
}

void db_expire(db_t *self, uint64_t now_ms)
{
    for (size_t i = self->count; i--;)
        if (self->values[i].expires_ms && self->values[i].expires_ms <= now_ms)
            db_drop(self, &self->values[i]);
}

value_t *db_require(db_t *self, const word_t *key, value_kind_t kind)
{
    value_t *value = db_find(self, key);
    if (value)
        return value->kind == kind ? value : NULL;
    if (self->count == VALUES_MAX)
        abort();
    value = &self->values[self->count++];
    *value = (value_t){.kind = kind, .key = bytes_of(key->bytes, key->size)};
    if (kind == VALUE_STRING)
        value->string = bytes_of("", 0);
    return value;
}

void value_room(value_t *self, size_t more)
{
    if (self->count + more <= self->room)
        return;
    self->room = (self->count + more) * 2;
    if (self->kind == VALUE_STREAM)
        self->entries = realloc(self->entries, self->room * sizeof(entry_t *));
    else
        self->fields = realloc(self->fields, self->room * sizeof(bytes_t));
}

void entry_push(value_t *self, entry_t *entry)
{
    value_room(self, 1);
    self->entries[self->count++] = entry;
}

void entries_trim(value_t *self, size_t count)
{
    for (size_t i = 0; i < count; i++)
        s_unref(self->entries[i]);
    self->count -= count;
    memmove(self->entries, self->entries + count,
            self->count * sizeof *self->entries);
}

/* ---- for the checks --------------------------------------------------- */

static word_t s_word(const char *text)
{
    return (word_t){text, strlen(text)};
}

void db_log(const db_t *self, const char *key, db_records_fn fn, void *context)
{
    word_t word = s_word(key), field = {"r", 1};
    const value_t *log = db_find(self, &word);
    for (size_t i = 0; log && i < log->count; i++) {
        const entry_t *entry = log->entries[i];
        for (size_t f = 0; f + 1 < entry->count; f += 2)
            if (bytes_are(&entry->words[f], &field))
                fn(context, entry->words[f + 1].at, entry->words[f + 1].size);
    }
}

uint64_t db_number(const db_t *self, const char *key, const char *field)
{
    word_t word = s_word(key), name = s_word(field);
    const value_t *hash = db_find(self, &word);
    for (size_t i = 0; hash && i + 1 < hash->count; i += 2)
        if (bytes_are(&hash->fields[i], &name))
            return strtoull(hash->fields[i + 1].at, NULL, 10);
    return 0;
}

size_t db_string(const db_t *self, const char *key, const uint8_t **bytes)
{
    word_t word = s_word(key);
    const value_t *value = db_find(self, &word);
    *bytes = value ? (const uint8_t *)value->string.at : NULL;
    return value ? value->string.size : 0;
}

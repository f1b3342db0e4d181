/* SPDX-License-Identifier: Apache-2.0
 *
 * See control.h.
 */
#include "common/control.h"

#include <assert.h>
#include <string.h>

#define LEFT_SHIFT 8

static const char *const s_words[CONTROL_VERBS] = {
    [CONTROL_NONE] = "none",
    [CONTROL_BAN] = "ban",
    [CONTROL_UNBAN] = "unban",
    [CONTROL_PROTECT] = "protect",
    [CONTROL_UNPROTECT] = "unprotect",
    [CONTROL_LOCK] = "lock",
    [CONTROL_UNLOCK] = "unlock",
    [CONTROL_NOTICE] = "notice",
    [CONTROL_ROLLBACK] = "rollback",
    [CONTROL_RESTORE] = "restore",
    [CONTROL_REFUSED] = "refused",
    [CONTROL_DONE] = "done",
    [CONTROL_SET] = "set",
};

const char *control_word(control_verb_t verb)
{
    return (unsigned)verb < CONTROL_VERBS ? s_words[verb] : "unknown";
}

control_verb_t control_of_word(const char *word)
{
    for (unsigned verb = CONTROL_NONE + 1; verb < CONTROL_VERBS; verb++)
        if (!strcmp(word, s_words[verb]))
            return (control_verb_t)verb;
    return CONTROL_NONE;
}

bool selection_has(const selection_t *self, const record_t *record)
{
    if (record->seq > self->upto ||
        ((self->has & HAS_USER) && record->user != self->user))
        return false;
    if ((self->has & HAS_BOX) &&
        (record->x < self->x0 || record->x > self->x1 || record->y < self->y0 ||
         record->y > self->y1))
        return false;
    return !(self->has & HAS_TIME) || (record->placed_at_ms >= self->from_ms &&
                                       record->placed_at_ms <= self->until_ms);
}

/* ---- bytes ------------------------------------------------------------ */

void selection_write(writer_t *w, const selection_t *self)
{
    write_u64(w, self->user);
    write_u64(w, self->from_ms);
    write_u64(w, self->until_ms);
    write_u16(w, self->x0);
    write_u16(w, self->y0);
    write_u16(w, self->x1);
    write_u16(w, self->y1);
    write_u64(w, self->upto);
}

selection_t selection_read(reader_t *r)
{
    selection_t self = {.user = read_u64(r)};
    self.from_ms = read_u64(r);
    self.until_ms = read_u64(r);
    self.x0 = read_u16(r);
    self.y0 = read_u16(r);
    self.x1 = read_u16(r);
    self.y1 = read_u16(r);
    self.upto = read_u64(r);
    return self;
}

static size_t s_encode(const control_t *self, uint8_t *bytes)
{
    size_t text = strnlen(self->text, CONTROL_TEXT_MAX);
    const selection_t *of = &self->of;
    writer_t w = writer_of(bytes, CONTROL_HEAD_BYTES + CONTROL_TEXT_MAX);
    write_u8(&w, (uint8_t)self->verb);
    write_u8(&w, (uint8_t)self->rank);
    write_u8(&w, of->has);
    write_u32(&w, self->request);
    write_u64(&w, self->by);
    selection_write(&w, of);
    write_bytes(&w, self->text, text);
    return CONTROL_HEAD_BYTES + text;
}

/* The last part may be padded with zeros. */
static bool s_decode(control_t *self, const uint8_t *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    *self = (control_t){.verb = (control_verb_t)read_u8(&r)};
    self->rank = (rank_t)read_u8(&r);
    uint8_t has = read_u8(&r);
    self->request = read_u32(&r);
    self->by = read_u64(&r);
    self->of = selection_read(&r);
    self->of.has = has;
    size_t text = reader_left(&r);
    if (r.bad || text > CONTROL_TEXT_MAX + CONTROL_PART_BYTES)
        return false;
    if (text > CONTROL_TEXT_MAX)
        text = CONTROL_TEXT_MAX;
    memcpy(self->text, read_bytes(&r, text), text);
    return true;
}

/* ---- records ---------------------------------------------------------- */

size_t control_records(const control_t *self, uint64_t first_seq,
                       record_t *records)
{
    uint8_t bytes[CONTROL_RECORDS_MAX * CONTROL_PART_BYTES] = {0};
    size_t size = s_encode(self, bytes);
    size_t count = (size + CONTROL_PART_BYTES - 1) / CONTROL_PART_BYTES;
    assert(count <= CONTROL_RECORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        reader_t r =
            reader_of(bytes + i * CONTROL_PART_BYTES, CONTROL_PART_BYTES);
        record_t *record = &records[i];
        *record = (record_t){.seq = first_seq + i,
                             .placed_at_ms = self->at_ms,
                             .x = CONTROL_NOWHERE,
                             .y = CONTROL_NOWHERE,
                             .flags = RECORD_CONTROL};
        record->user = read_u64(&r);
        record->request = read_u32(&r);
        record->color = read_u8(&r);
        record->previous_color = read_u8(&r);
        record->flags |= (uint16_t)((count - 1 - i) << LEFT_SHIFT);
        if (!i)
            record->flags |= RECORD_CONTROL_FIRST;
    }
    return count;
}

static void s_take_part(control_reader_t *self, const record_t *record)
{
    writer_t w = writer_of(self->bytes + self->size, CONTROL_PART_BYTES);
    write_u64(&w, record->user);
    write_u32(&w, record->request);
    write_u8(&w, record->color);
    write_u8(&w, record->previous_color);
    self->size += CONTROL_PART_BYTES;
}

bool control_read(control_reader_t *self, const record_t *record,
                  control_t *control)
{
    uint8_t left = (uint8_t)(record->flags >> LEFT_SHIFT);
    assert(record_is_control(record));
    if (record->flags & RECORD_CONTROL_FIRST) {
        *self = (control_reader_t){.first_seq = record->seq};
    } else if (!self->size || left + 1 != self->left ||
               record->seq !=
                   self->first_seq + self->size / CONTROL_PART_BYTES) {
        self->size = 0;
        return false;
    }
    if (self->size + CONTROL_PART_BYTES > sizeof self->bytes) {
        self->size = 0;
        return false;
    }
    s_take_part(self, record);
    self->left = left;
    if (left)
        return false;
    bool whole = s_decode(control, self->bytes, self->size);
    self->size = 0;
    control->seq = record->seq;
    control->at_ms = record->placed_at_ms;
    return whole;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The owner's side of writer.h: each call is a message to the thread.
 */
#include "persister/writer.h"

void writer_open(zactor_t *self)
{
    zstr_send(self, "OPEN");
}

void writer_stop(zactor_t *self)
{
    zstr_send(self, "STOP");
}

void writer_canvas(zactor_t *self, const char *json, size_t size)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "CANVAS");
    zmsg_addmem(message, json, size);
    zmsg_send(&message, self);
}

void writer_epoch(zactor_t *self, uint32_t epoch)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "EPOCH");
    zmsg_addmem(message, &epoch, sizeof epoch);
    zmsg_send(&message, self);
}

void writer_probe(zactor_t *self, uint64_t seq)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "PROBE");
    zmsg_addmem(message, &seq, sizeof seq);
    zmsg_send(&message, self);
}

void writer_cut(zactor_t *self, uint64_t after, uint32_t epoch)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "CUT");
    zmsg_addmem(message, &after, sizeof after);
    zmsg_addmem(message, &epoch, sizeof epoch);
    zmsg_send(&message, self);
}

void writer_records(zactor_t *self, zframe_t **frame, uint64_t skip)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "RECORDS");
    zmsg_addmem(message, &skip, sizeof skip);
    zmsg_append(message, frame);
    zmsg_send(&message, self);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See archive.h. One question at a time is taken from the pipe, answered from
 * the store and sent back.
 */
#include "persister/archive.h"

#include "common/mem.h"
#include "persister/past.h"

#include <stdlib.h>

/* Message: identity, question, which the owner found to be one. */
static void s_answer(source_t *source, zsock_t *pipe, zmsg_t **message)
{
    zframe_t *question = zmsg_last(*message);
    bus_query_t query;
    int bad =
        bus_decode_query(&query, zframe_data(question), zframe_size(question));
    assert(!bad);
    past_answer_t answer = past_answer(
        source, (bus_type_t)bus_type(zframe_data(question), 1), &query);
    zframe_reset(question, answer.bytes, answer.size);
    free(answer.bytes);
    zmsg_send(message, pipe);
}

static void s_run(zsock_t *pipe, void *arg)
{
    source_t *source = arg;
    bool terminated = false;
    zsock_signal(pipe, 0);
    while (!terminated) {
        zmsg_t *message = zmsg_recv(pipe);
        if (!message)
            continue; /* a signal, which is the owner's */
        if (zmsg_size(message) == 2)
            s_answer(source, pipe, &message);
        else
            terminated = true; /* $TERM */
        zmsg_destroy(&message);
    }
    source_fini(source);
    free(source);
}

zactor_t *archive_new(const char *store)
{
    source_t *source = mem_zalloc(1, sizeof *source);
    if (source_init(source, store) < 0) {
        free(source);
        return NULL;
    }
    return zactor_new(s_run, source);
}

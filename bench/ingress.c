/* SPDX-License-Identifier: Apache-2.0
 *
 * ingress: placements straight into a broker, in batches, as an edge sends
 * them. Keeps a window of batches in flight for S seconds over random pixels
 * and many users, and prints verdicts by status, with the lines `begin` and
 * `end` around what it counted.
 *
 *     ingress BASE BATCH WINDOW SECONDS WIDTH HEIGHT [EDGE_KEY_FILE]
 */
#include "common/backoff.h"
#include "common/bus.h"
#include "common/bus_socket.h"
#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define USERS 100000

typedef struct {
    zsock_t *socket;
    size_t batch;
    uint32_t width, height, request;
    uint64_t verdicts[VERDICT_COUNT];
} ingress_t;

static void s_send(ingress_t *self, size_t count)
{
    static bus_place_t places[BUS_PLACES_MAX];
    static uint8_t bytes[3 + BUS_PLACES_MAX * BUS_PLACE_BYTES];
    for (size_t i = 0; i < count; i++)
        places[i] = (bus_place_t){.ticket = self->request,
                                  .user = random_below(USERS) + 1,
                                  .request = self->request++,
                                  .x = (uint16_t)random_below(self->width),
                                  .y = (uint16_t)random_below(self->height),
                                  .color = (uint8_t)random_below(16)};
    size_t size = bus_put_places(bytes, places, count);
    zmq_send(zsock_resolve(self->socket), bytes, size, 0);
}

/* Waits for the verdicts of one message; returns how many, -1 on time-out. */
static int s_receive(ingress_t *self)
{
    static bus_verdict_t verdicts[BUS_PLACES_MAX];
    zmq_msg_t message;
    zmq_msg_init(&message);
    int count = -1;
    if (zmq_msg_recv(&message, zsock_resolve(self->socket), 0) >= 0)
        count = bus_decode_verdicts(verdicts, zmq_msg_data(&message),
                                    zmq_msg_size(&message));
    for (int i = 0; i < count; i++)
        self->verdicts[verdicts[i].status]++;
    zmq_msg_close(&message);
    return count;
}

static void s_report(const ingress_t *self, double seconds)
{
    printf("{\"seconds\":%.3f", seconds);
    for (int i = 0; i < VERDICT_COUNT; i++)
        printf(",\"%s\":%llu", verdict_word((verdict_status_t)i),
               (unsigned long long)self->verdicts[i]);
    puts("}");
}

static int s_run(ingress_t *self, int window, int seconds)
{
    int64_t owed = 0; /* verdicts still to come */
    for (int i = 0; i < window; i++, owed += (int64_t)self->batch)
        s_send(self, self->batch);
    puts("begin");
    fflush(stdout);
    uint64_t begin = clock_mono_ms(), end = begin + (uint64_t)seconds * 1000;
    while (clock_mono_ms() < end) {
        int count = s_receive(self);
        if (count < 0)
            return 1;
        owed -= count;
        for (; owed < (int64_t)self->batch * window;
             owed += (int64_t)self->batch)
            s_send(self, self->batch);
    }
    puts("end");
    s_report(self, (double)(clock_mono_ms() - begin) / 1000);
    return 0;
}

/* `rate` placements a second, a hundredth each 10 ms; verdicts are read along.
 */
static int s_run_steady(ingress_t *self, int rate, int seconds)
{
    uint64_t begin = clock_mono_ms(), sent = 0, now;
    zsock_set_rcvtimeo(self->socket, 10);
    while ((now = clock_mono_ms() - begin) < (uint64_t)seconds * 1000) {
        uint64_t due = now * (uint64_t)rate / 1000;
        for (; sent < due; sent += self->batch) {
            self->batch =
                due - sent < BUS_PLACES_MAX ? due - sent : BUS_PLACES_MAX;
            s_send(self, self->batch);
        }
        s_receive(self);
    }
    s_report(self, (double)seconds);
    return 0;
}

/* A standby does not answer: waits for a beat, which only the leader sends. */
static int s_await_leader(const char *base, const bus_security_t *security)
{
    zsock_t *feed = bus_connect(base, BUS_FEED, security);
    if (!feed)
        return -1;
    zsock_set_rcvtimeo(feed, 10000);
    zframe_t *beat = zframe_recv(feed);
    int result = beat ? 0 : -1;
    zframe_destroy(&beat);
    zsock_destroy(&feed);
    return result;
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        fputs("usage: ingress BASE BATCH WINDOW SECONDS WIDTH HEIGHT "
              "[EDGE_KEY_FILE]\n",
              stderr);
        return 2;
    }
    bus_security_t security = {.curve = "auto"};
    role_keys_t keys;
    if (bus_security_load(&security, &keys, ROLE_EDGE,
                          argc > 7 ? argv[7] : NULL) < 0)
        return 2;
    ingress_t self = {.socket = bus_connect(argv[1], BUS_INGRESS, &security),
                      .batch = strtoul(argv[2], NULL, 10),
                      .width = (uint32_t)atoi(argv[5]),
                      .height = (uint32_t)atoi(argv[6]),
                      .request = 1};
    if (!self.socket || s_await_leader(argv[1], &security) < 0 ||
        self.batch > BUS_PLACES_MAX)
        return 2;
    zsock_set_rcvtimeo(self.socket, 5000);
    int result = (self.batch ? s_run : s_run_steady)(&self, atoi(argv[3]),
                                                     atoi(argv[4]));
    zsock_destroy(&self.socket);
    role_keys_wipe(&keys);
    return result;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See report.h. Both forms come from one JSON object, so they cannot differ.
 */
#include "load/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const unsigned CODES[REPORT_CODES] = {1000, 1001, 1006, 1008, 1012, 0};

unsigned report_close(unsigned code)
{
    for (unsigned i = 0; i < REPORT_CODES - 1; i++)
        if (CODES[i] == code)
            return i;
    return REPORT_CODES - 1;
}

static void s_widen(uint64_t *least, uint64_t *most, uint64_t other_least,
                    uint64_t other_most)
{
    if (other_least < *least)
        *least = other_least;
    if (other_most > *most)
        *most = other_most;
}

static void s_merge_ledger(ledger_counts_t *self, const ledger_counts_t *other)
{
    self->acknowledged += other->acknowledged;
    self->seen += other->seen;
    self->not_seen += other->not_seen;
    self->wrong_color += other->wrong_color;
    self->seq_reused += other->seq_reused;
    self->unjudged += other->unjudged;
}

void report_merge(report_t *self, const report_t *other)
{
#define ROW(field, name) self->field += other->field;
    REPORT_COUNTERS(ROW)
#undef ROW
    for (int i = 0; i < VERDICT_COUNT; i++)
        self->verdicts[i] += other->verdicts[i];
    for (int i = 0; i < REPORT_CODES; i++)
        self->closes[i] += other->closes[i];
    s_widen(&self->frames_least, &self->frames_most, other->frames_least,
            other->frames_most);
    s_widen(&self->bytes_least, &self->bytes_most, other->bytes_least,
            other->bytes_most);
    if (other->recovery_ms_max > self->recovery_ms_max)
        self->recovery_ms_max = other->recovery_ms_max;
    if (other->first_sent_us &&
        (!self->first_sent_us || other->first_sent_us < self->first_sent_us))
        self->first_sent_us = other->first_sent_us;
    if (other->last_verdict_us > self->last_verdict_us)
        self->last_verdict_us = other->last_verdict_us;
    if (other->last_ack > self->last_ack)
        self->last_ack = other->last_ack;
    s_merge_ledger(&self->ledger, &other->ledger);
    histogram_merge(&self->verdict_latency, &other->verdict_latency);
    histogram_merge(&self->witness_latency, &other->witness_latency);
    histogram_merge(&self->everyone_latency, &other->everyone_latency);
}

static bool s_replay_ok(const report_t *self, const outcome_t *outcome)
{
    return !outcome->replay_size ||
           (self->ledger.acknowledged >= outcome->replay_size &&
            outcome->replay_equal &&
            (!outcome->expect_given || outcome->expect_equal));
}

bool report_ok(const report_t *self, const outcome_t *outcome)
{
    const ledger_counts_t *ledger = &self->ledger;
    bool board = !outcome->board_checked ||
                 (outcome->board_ok && outcome->board_digest_ok);
    return outcome->workers_ok && board && s_replay_ok(self, outcome) &&
           self->opened && !self->digest_mismatches &&
           !self->board_mismatches && !self->conflicts && !self->malformed &&
           !self->unasked && !self->unanswered && !self->behind_at_end &&
           !ledger->not_seen && !ledger->wrong_color && !ledger->seq_reused;
}

static json_t *s_latency(const histogram_t *histogram)
{
    static const struct {
        const char *name;
        double share;
    } points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    json_t *json = json_object();
    json_object_set_new(json, "count",
                        json_integer((json_int_t)histogram->count));
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        json_object_set_new(json, points[i].name,
                            json_real((double)histogram_quantile_us(
                                          histogram, points[i].share) /
                                      1e3));
    json_object_set_new(json, "max",
                        json_real((double)histogram->max_us / 1e3));
    double mean = histogram->count ? (double)histogram->sum_us /
                                         (double)histogram->count / 1e3
                                   : 0;
    json_object_set_new(json, "mean", json_real(mean));
    return json;
}

static json_t *s_spread(uint64_t sum, uint64_t n, uint64_t least, uint64_t most)
{
    return json_pack("{s:f,s:I,s:I}", "mean", n ? (double)sum / (double)n : 0.0,
                     "min", (json_int_t)least, "max", (json_int_t)most);
}

static double s_placing_s(const report_t *self)
{
    return self->last_verdict_us > self->first_sent_us
               ? (double)(self->last_verdict_us - self->first_sent_us) / 1e6
               : 0;
}

static void s_add_run(json_t *json, const report_t *self,
                      const outcome_t *outcome)
{
    double placing_s = s_placing_s(self);
    double rate =
        placing_s > 0 ? (double)self->ledger.acknowledged / placing_s : 0;
    json_object_update_new(
        json, json_pack("{s:b,s:I,s:I,s:I,s:f,s:f,s:f,s:{s:f,s:f}}", "ok",
                        report_ok(self, outcome), "viewers",
                        (json_int_t)outcome->viewers, "placers",
                        (json_int_t)outcome->placers, "processes",
                        (json_int_t)outcome->processes, "elapsed_s",
                        outcome->elapsed_s, "placing_s", placing_s,
                        "acknowledged_per_s", rate, "cpu", "user_s",
                        outcome->user_s, "system_s", outcome->system_s));
}

static void s_add_placements(json_t *json, const report_t *self)
{
    json_t *verdicts = json_object();
    for (int i = 0; i < VERDICT_COUNT; i++)
        json_object_set_new(verdicts, verdict_word((verdict_status_t)i),
                            json_integer((json_int_t)self->verdicts[i]));
    json_object_set_new(json, "verdicts", verdicts);
    const ledger_counts_t *l = &self->ledger;
    json_object_update_new(
        json, json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "acknowledged",
                        (json_int_t)l->acknowledged, "acknowledged_seen",
                        (json_int_t)l->seen, "acknowledged_not_seen",
                        (json_int_t)l->not_seen, "acknowledged_wrong_color",
                        (json_int_t)l->wrong_color, "acknowledged_seq_reused",
                        (json_int_t)l->seq_reused, "acknowledged_unjudged",
                        (json_int_t)l->unjudged, "last_seq",
                        (json_int_t)self->last_ack));
    json_object_set_new(json, "place_to_verdict_ms",
                        s_latency(&self->verdict_latency));
    json_object_set_new(json, "place_to_seen_ms",
                        s_latency(&self->everyone_latency));
    json_object_set_new(json, "place_to_witness_ms",
                        s_latency(&self->witness_latency));
}

static void s_add_viewing(json_t *json, const report_t *self,
                          const outcome_t *outcome)
{
    uint64_t n = outcome->viewers + outcome->placers;
    json_t *closes = json_object();
    for (int i = 0; i < REPORT_CODES; i++) {
        char code[16];
        snprintf(code, sizeof code, CODES[i] ? "%u" : "other", CODES[i]);
        json_object_set_new(closes, code,
                            json_integer((json_int_t)self->closes[i]));
    }
    json_object_set_new(json, "closes", closes);
#define ROW(field, name)                                                       \
    json_object_set_new(json, name, json_integer((json_int_t)self->field));
    REPORT_COUNTERS(ROW)
#undef ROW
    json_object_set_new(
        json, "frames_per_connection",
        s_spread(self->frames, n, self->frames_least, self->frames_most));
    json_object_set_new(
        json, "bytes_per_connection",
        s_spread(self->bytes, n, self->bytes_least, self->bytes_most));
    json_object_set_new(json, "stalled_recovery_ms_max",
                        json_integer((json_int_t)self->recovery_ms_max));
}

static void s_add_board(json_t *json, const outcome_t *outcome)
{
    if (outcome->board_checked)
        json_object_set_new(json, "board",
                            json_pack("{s:b,s:b,s:I}", "served",
                                      outcome->board_ok, "digest_ok",
                                      outcome->board_digest_ok, "seq",
                                      (json_int_t)outcome->board_seq));
    if (outcome->replay_size)
        json_object_set_new(json, "replay",
                            json_pack("{s:I,s:b}", "placements",
                                      (json_int_t)outcome->replay_size, "equal",
                                      outcome->replay_equal));
    if (outcome->expect_given)
        json_object_set_new(json, "expect_equal",
                            json_boolean(outcome->expect_equal));
}

static json_t *s_json(const report_t *self, const outcome_t *outcome)
{
    json_t *json = json_object();
    s_add_run(json, self, outcome);
    s_add_placements(json, self);
    s_add_viewing(json, self, outcome);
    s_add_board(json, outcome);
    return json;
}

void report_print_json(const report_t *self, const outcome_t *outcome, FILE *to)
{
    json_t *json = s_json(self, outcome);
    json_dumpf(json, to, JSON_COMPACT | JSON_REAL_PRECISION(7));
    fputc('\n', to);
    json_decref(json);
}

/* "name  value" lines; an object's members on one line. */
void report_print(const report_t *self, const outcome_t *outcome, FILE *to)
{
    json_t *json = s_json(self, outcome);
    const char *name, *part;
    json_t *value, *member;
    json_object_foreach(json, name, value)
    {
        fprintf(to, "%-30s", name);
        if (!json_is_object(value)) {
            char *text =
                json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(7));
            fprintf(to, "%s\n", text);
            free(text);
            continue;
        }
        json_object_foreach(value, part, member)
        {
            char *text =
                json_dumps(member, JSON_ENCODE_ANY | JSON_REAL_PRECISION(7));
            fprintf(to, "%s %s  ", part, text);
            free(text);
        }
        fputc('\n', to);
    }
    json_decref(json);
}

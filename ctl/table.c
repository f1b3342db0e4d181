/* SPDX-License-Identifier: Apache-2.0
 *
 * See table.h.
 */
#include "ctl/table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *s_text(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text ? text : "-";
}

static int64_t s_number(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

#define TIME_BYTES 32
static const char *s_time(char text[TIME_BYTES], int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return ms ? text : "for ever";
}

void table_done(const json_t *answer)
{
    printf("done, seq %" PRId64 "\n", s_number(answer, "seq"));
}

void table_rollback(const json_t *answer)
{
    bool waits = json_object_get(answer, "proposal") != NULL;
    bool dry = json_is_true(json_object_get(answer, "dry_run")) || waits;
    bool restore = !strcmp(s_text(answer, "verb"), "restore");
    char ends[TIME_BYTES];
    if (json_object_get(answer, "state")) {
        printf("it goes on: ask again with --key %" PRId64 "\n",
               s_number(answer, "key"));
        return;
    }
    if (!json_object_get(answer, "pixels")) { /* it was done before */
        table_done(answer);
        return;
    }
    printf("%" PRId64 " placements %s %s: %" PRId64 " pixels %s, %" PRId64
           " stay, since others placed there later\n",
           s_number(answer, "placements"), dry ? "would" : "do",
           restore ? "count again" : "not count any more",
           s_number(answer, "pixels"), dry ? "would change" : "changed",
           s_number(answer, "spared"));
    if (waits)
        printf(
            "nothing was done yet: a second person has to approve it, before "
            "%s: stipplectl approve %" PRId64 "\n",
            s_time(ends, s_number(answer, "ends")),
            s_number(answer, "proposal"));
    else if (dry)
        printf("nothing was done: --yes does it\n");
    else
        table_done(answer);
}

/* Whose, where and when, in four columns. */
static void s_print_selection(const json_t *row)
{
    char from[TIME_BYTES], until[TIME_BYTES], *box = NULL;
    const json_t *corners = json_object_get(row, "box");
    bool timed = json_object_get(row, "from") != NULL;
    if (corners)
        box = json_dumps(corners, JSON_COMPACT);
    printf("%-16s  %-23s  %-20s  %-20s", s_text(row, "user"), box ? box : "-",
           timed ? s_time(from, s_number(row, "from")) : "-",
           timed ? s_time(until, s_number(row, "until")) : "-");
    free(box);
}

void table_rollbacks(const json_t *answer)
{
    size_t i;
    const json_t *row;
    printf("%10s  %-16s  %-23s  %-20s  %s\n", "seq", "user", "box", "from",
           "until");
    json_array_foreach(json_object_get(answer, "rollbacks"), i, row)
    {
        printf("%10" PRId64 "  ", s_number(row, "seq"));
        s_print_selection(row);
        printf("%s\n", json_is_true(json_object_get(row, "open"))
                           ? "  (under way)"
                           : "");
    }
}

void table_proposals(const json_t *answer)
{
    size_t i;
    const json_t *row;
    printf("%10s  %-16s  %7s  %-20s  %-16s  %-23s  %-20s  %-20s  %s\n",
           "number", "by", "pixels", "ends", "user", "box", "from", "until",
           "why");
    json_array_foreach(json_object_get(answer, "proposals"), i, row)
    {
        char ends[TIME_BYTES];
        printf("%10" PRId64 "  %-16s  %7" PRId64 "  %-20s  ",
               s_number(row, "proposal"), s_text(row, "by"),
               s_number(row, "pixels"), s_time(ends, s_number(row, "ends")));
        s_print_selection(row);
        if (json_object_get(row, "undo"))
            printf("  undoes seq %" PRId64, s_number(row, "undo"));
        printf("  %s\n", s_text(row, "text"));
    }
}

void table_bans(const json_t *answer)
{
    size_t i;
    const json_t *ban;
    char until[TIME_BYTES];
    printf("%-16s  %-20s  %s\n", "user", "until", "seq");
    json_array_foreach(json_object_get(answer, "bans"), i, ban)
        printf("%-16s  %-20s  %" PRId64 "\n", s_text(ban, "user"),
               s_time(until, s_number(ban, "until")), s_number(ban, "seq"));
}

void table_regions(const json_t *answer)
{
    size_t i;
    const json_t *region;
    printf("%5s %5s %5s %5s  %s\n", "x0", "y0", "x1", "y1", "seq");
    json_array_foreach(json_object_get(answer, "regions"), i, region)
    {
        const json_t *box = json_object_get(region, "box");
        for (size_t corner = 0; corner < 4; corner++)
            printf("%5" PRId64 " ",
                   (int64_t)json_integer_value(json_array_get(box, corner)));
        printf(" %" PRId64 "\n", s_number(region, "seq"));
    }
    if (json_is_true(json_object_get(answer, "locked")))
        printf("the whole board is locked\n");
}

/* ---- look-ups --------------------------------------------------------------
 */

static void s_more(const json_t *answer)
{
    int64_t next = s_number(answer, "next");
    if (next)
        printf("there may be more: --before %" PRId64 "\n", next + 1);
}

void table_placements(const json_t *answer)
{
    size_t i;
    const json_t *row;
    char at[TIME_BYTES];
    printf("%10s  %-20s  %-16s  %5s %5s  %s\n", "seq", "at", "user", "x", "y",
           "colour");
    json_array_foreach(json_object_get(answer, "placements"), i, row) printf(
        "%10" PRId64 "  %-20s  %-16s  %5" PRId64 " %5" PRId64 "  %" PRId64 "\n",
        s_number(row, "seq"), s_time(at, s_number(row, "at")),
        s_text(row, "user"), s_number(row, "x"), s_number(row, "y"),
        s_number(row, "color"));
    s_more(answer);
}

/* Whom or what an action meant, in one word or four numbers. */
static void s_print_object(const json_t *row)
{
    const json_t *box = json_object_get(row, "box");
    const char *refused = json_string_value(json_object_get(row, "refused"));
    if (refused)
        printf("  %s", refused);
    if (json_object_get(row, "user"))
        printf("  %s", s_text(row, "user"));
    for (size_t i = 0; i < json_array_size(box); i++)
        printf("%s%" PRId64, i ? "," : "  ",
               (int64_t)json_integer_value(json_array_get(box, i)));
    if (json_object_get(row, "of"))
        printf("  seq %" PRId64, s_number(row, "of"));
}

void table_actions(const json_t *answer)
{
    size_t i;
    const json_t *row;
    char at[TIME_BYTES];
    printf("%10s  %-20s  %-16s  %-9s  %s\n", "seq", "at", "by", "verb",
           "whom, where; why");
    json_array_foreach(json_object_get(answer, "actions"), i, row)
    {
        printf("%10" PRId64 "  %-20s  %-16s  %-9s", s_number(row, "seq"),
               s_time(at, s_number(row, "at")), s_text(row, "by"),
               s_text(row, "verb"));
        s_print_object(row);
        if (json_object_get(row, "text"))
            printf("  %s", s_text(row, "text"));
        printf("\n");
    }
    s_more(answer);
}

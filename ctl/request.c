/* SPDX-License-Identifier: Apache-2.0
 *
 * See request.h.
 */
#include "ctl/request.h"

#include "common/backoff.h"
#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void s_bad(const char *what, const char *text)
{
    fprintf(stderr, "stipplectl: %s \"%s\"\n", what, text);
}

/* ---- times ------------------------------------------------------------- */

static uint64_t s_unit_ms(const char *unit)
{
    static const struct {
        const char *word;
        uint64_t ms;
    } units[] = {{"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(unit, units[i].word))
            return units[i].ms;
    return 0;
}

static int s_date(const char *text, uint64_t *time_ms)
{
    struct tm utc = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (!end || *end)
        return -1;
    time_t seconds = timegm(&utc);
    if (seconds < 0)
        return -1;
    *time_ms = (uint64_t)seconds * 1000;
    return 0;
}

int request_time(const char *text, uint64_t now_ms, uint64_t *time_ms)
{
    bool ago = *text == '-';
    const char *digits = text + ago;
    char *end;
    unsigned long long number = strtoull(digits, &end, 10);
    if (*digits < '0' || *digits > '9')
        return -1;
    if (!*end && !ago) {
        *time_ms = number;
        return number > INT64_MAX ? -1 : 0;
    }
    uint64_t unit_ms = s_unit_ms(end);
    if (!unit_ms)
        return ago ? -1 : s_date(text, time_ms);
    if (number > INT64_MAX / 2 / unit_ms || (ago && number * unit_ms > now_ms))
        return -1;
    *time_ms = ago ? now_ms - number * unit_ms : now_ms + number * unit_ms;
    return 0;
}

static bool s_put_time(json_t *request, const char *name, const char *text)
{
    uint64_t time_ms;
    if (!*text)
        return true;
    if (request_time(text, clock_wall_ms(), &time_ms) < 0) {
        s_bad("no time:", text);
        return false;
    }
    json_object_set_new(request, name, json_integer((json_int_t)time_ms));
    return true;
}

/* ---- members ------------------------------------------------------------ */

static json_t *s_begin(const ctl_config_t *config)
{
    const char *user = getenv("USER");
    json_t *request = json_object();
    uint32_t key =
        config->key ? (uint32_t)config->key : (uint32_t)random_u64() | 1;
    json_object_set_new(request, "key", json_integer(key));
    json_object_set_new(request, "by",
                        json_string(*config->as ? config->as
                                    : user      ? user
                                                : "stipplectl"));
    if (*config->reason)
        json_object_set_new(request, "reason", json_string(config->reason));
    return request;
}

/* A whole number from 0 to 65535; -1, and said, if it is none. */
static int s_small(const char *what, const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && number <= 65535)
        return (int)number;
    s_bad(what, text);
    return -1;
}

static bool s_put_small(json_t *request, const char *name, const char *what,
                        const char *text)
{
    int number = s_small(what, text);
    if (number >= 0)
        json_object_set_new(request, name, json_integer(number));
    return number >= 0;
}

static bool s_put_box(json_t *request, char **corners)
{
    json_t *box = json_array();
    for (size_t i = 0; i < 4; i++) {
        int number = s_small("no coordinate:", corners[i]);
        if (number < 0) {
            json_decref(box);
            return false;
        }
        json_array_append_new(box, json_integer(number));
    }
    json_object_set_new(request, "box", box);
    return true;
}

/* "X0,Y0,X1,Y1"; empty: none. */
static bool s_put_box_text(json_t *request, const char *text)
{
    char copy[64];
    char *corners[4], *rest = copy;
    size_t count = 0;
    if (!*text)
        return true;
    snprintf(copy, sizeof copy, "%s", text);
    while (count < 4 && (corners[count] = strsep(&rest, ",")))
        count++;
    if (count == 4 && !rest && strlen(text) < sizeof copy)
        return s_put_box(request, corners);
    s_bad("a box is X0,Y0,X1,Y1, not", text);
    return false;
}

static json_t *s_checked(json_t *request, bool good)
{
    if (good)
        return request;
    json_decref(request);
    return NULL;
}

json_t *request_none(const ctl_config_t *config, char **words)
{
    (void)words;
    return s_begin(config);
}

json_t *request_user(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin(config);
    json_object_set_new(request, "user", json_string(words[0]));
    return s_checked(request, s_put_time(request, "until", config->until));
}

json_t *request_box(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin(config);
    return s_checked(request, s_put_box(request, words));
}

json_t *request_text(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin(config);
    json_object_set_new(request, "text", json_string(words[0]));
    return request;
}

/* ---- look-ups --------------------------------------------------------------
 */

static json_t *s_begin_page(const ctl_config_t *config)
{
    json_t *request = json_object();
    json_object_set_new(request, "limit", json_integer(config->limit));
    if (config->before)
        json_object_set_new(request, "before", json_integer(config->before));
    return request;
}

static bool s_put_times(json_t *request, const ctl_config_t *config)
{
    return s_put_time(request, "from", config->since) &&
           s_put_time(request, "until", config->until);
}

json_t *request_who(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin_page(config);
    return s_checked(request,
                     s_put_small(request, "x", "no coordinate:", words[0]) &&
                         s_put_small(request, "y", "no coordinate:", words[1]));
}

json_t *request_placements_of(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin_page(config);
    json_object_set_new(request, "user", json_string(words[0]));
    return request;
}

/* Whose, where and when. */
static bool s_put_where(json_t *request, const ctl_config_t *config)
{
    if (*config->user)
        json_object_set_new(request, "user", json_string(config->user));
    return s_put_box_text(request, config->box) && s_put_times(request, config);
}

json_t *request_search(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin_page(config);
    (void)words;
    return s_checked(request, s_put_where(request, config) &&
                                  (!*config->color ||
                                   s_put_small(request, "color",
                                               "no colour:", config->color)));
}

/* What is searched, or the undoing of one; the verb of the second is another.
 */
json_t *request_rollback(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin(config);
    bool selects =
        *config->user || *config->box || *config->since || *config->until;
    (void)words;
    if (config->yes)
        json_object_set_new(request, "yes", json_true());
    if (config->undo) {
        json_object_set_new(request, "verb", json_string("restore"));
        json_object_set_new(request, "undo", json_integer(config->undo));
        if (selects)
            s_bad("--undo takes a whole rollback back, and no", "selection");
        return s_checked(request, !selects);
    }
    return s_checked(request, s_put_where(request, config));
}

json_t *request_approve(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin(config);
    char *end;
    errno = 0;
    unsigned long number = strtoul(words[0], &end, 10);
    bool good = !errno && *end == '\0' && number && number <= UINT32_MAX &&
                words[0][0] >= '0' && words[0][0] <= '9';
    if (!good)
        s_bad("no number of a rollback that waits:", words[0]);
    json_object_set_new(request, "proposal", json_integer((json_int_t)number));
    return s_checked(request, good);
}

json_t *request_audit(const ctl_config_t *config, char **words)
{
    json_t *request = s_begin_page(config);
    (void)words;
    if (*config->by)
        json_object_set_new(request, "operator", json_string(config->by));
    return s_checked(request, s_put_times(request, config));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See config.h.
 */
#include "ctl/config.h"

#define ROW(...) SETTING_ROW(ctl_config_t, __VA_ARGS__)

static const setting_t s_rows[] = {
    SETTINGS_COMMON(ctl_config_t),
    ROW(brokers, TEXT, "tcp://127.0.0.1:7700", 0, 0, NULL,
        "Base endpoints of all brokers, with commas between"),
    ROW(url, TEXT, "", 0, 0, NULL,
        "Of an edge or a load balancer, https://HOST: to go by HTTP; empty: by "
        "the bus"),
    ROW(token_file, TEXT, "token", 0, 0, NULL,
        "File with the token of your role, for --url"),
    ROW(insecure, FLAG, NULL, 0, 0, NULL,
        "Send the token over plain http to another machine, too"),
    ROW(timeout_ms, INT, "3000", 100, 60000, "ms",
        "How long to wait for answers"),
    ROW(master_file, TEXT, "", 0, 0, NULL,
        "The cluster's secret, from which keygen makes key files; empty: "
        "secret in their folder"),
    ROW(reason, TEXT, "", 0, 0, NULL,
        "Why: kept in the audit, and told to who is banned"),
    ROW(until, TEXT, "", 0, 0, NULL,
        "End of a ban or a token: 2h, 7d, 2026-11-29T02:00:00Z; empty: a ban "
        "for ever, a token for 8 hours. Of what is searched or rolled back: "
        "-1h, or a time"),
    ROW(since, TEXT, "", 0, 0, NULL,
        "Begin of what is searched or rolled back: -2h (ago), "
        "2026-11-29T02:00:00Z"),
    ROW(user, TEXT, "", 0, 0, NULL,
        "Whose placements are searched or rolled back: 16 hex digits"),
    ROW(box, TEXT, "", 0, 0, NULL,
        "Where is searched or rolled back, or what a picture shows: "
        "X0,Y0,X1,Y1, both corners within"),
    ROW(color, TEXT, "", 0, 0, NULL, "Which colour is searched"),
    ROW(by, TEXT, "", 0, 0, NULL,
        "Whose actions are shown by audit: a name, as --as"),
    ROW(limit, INT, "50", 1, 1000, "rows", "Rows of one page"),
    ROW(before, INT, "0", 0, 9223372036854775807, NULL,
        "Only what has a seq below this: the next page; 0: the newest"),
    ROW(role, CHOICE, "player", 0, 0, "viewer|player|moderator|operator|owner",
        "Role of a token"),
    ROW(token_key_file, TEXT, "keys/tokens.key", 0, 0, NULL,
        "Private key that signs a token, from keygen"),
    ROW(as, TEXT, "", 0, 0, NULL,
        "Who does it, for the audit; empty: the user of this machine"),
    ROW(key, INT, "0", 0, 4294967295, NULL,
        "Your number for this action: the same again is done once; 0: a new "
        "one"),
    ROW(undo, INT, "0", 0, 9223372036854775807, NULL,
        "Takes the rollback of that seq back; 0: rolls back"),
    ROW(yes, FLAG, NULL, 0, 0, NULL,
        "Rolls back though more than one pixel changes"),
    ROW(at, TEXT, "", 0, 0, NULL,
        "Moment of a snapshot: a seq, or a time (-2h, 2026-11-29T02:00:00Z); "
        "empty: now"),
    ROW(from, TEXT, "", 0, 0, NULL,
        "Where a timelapse begins: a seq or a time; empty: the beginning"),
    ROW(to, TEXT, "", 0, 0, NULL, "Where it ends; empty: now"),
    ROW(step, TEXT, "", 0, 0, NULL,
        "From one frame to the next: so many seqs, or a time (10m); empty: "
        "300 frames"),
    ROW(out, TEXT, "", 0, 0, NULL,
        "File of a snapshot (.board: its bytes, else a PNG; -: standard "
        "output; "
        "empty: snapshot.png); folder of a timelapse, or its video: .mp4, "
        ".webm, .mkv, .gif; empty: "
        "timelapse"),
    ROW(scale, INT, "1", 1, 8, NULL, "Size of a pixel in pictures"),
    ROW(fps, INT, "30", 1, 240, "per second", "Frames of a video"),
    ROW(json, FLAG, NULL, 0, 0, NULL, "Print JSON"),
};

const settings_t ctl_settings = {
    .program = "stipplectl",
    .about = "Asks a cluster's brokers, and tells the leader.",
    .rows = s_rows,
    .count = sizeof s_rows / sizeof *s_rows,
    .arguments = "status | set NAME VALUE | ban USER | unban USER | bans | "
                 "protect X0 Y0 X1 Y1 | unprotect X0 Y0 X1 Y1 | regions | "
                 "lock | unlock | notice TEXT | who X Y | user USER | search | "
                 "audit | rollback | rollbacks | approve NUMBER | proposals | "
                 "snapshot | timelapse | keygen DIR | "
                 "rotate DIR KEYS | retire DIR KEYS | token NAME",
};

/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources' own Lua scripts, run by a real Lua on the simulated Redis.
 */
#ifndef TESTS_SIM_LUA_SCRIPTS_H
#define TESTS_SIM_LUA_SCRIPTS_H

#include "tests/sim/db.h"

/* Keeps the script; its SHA is 40 digits. */
void script_load(const word_t *text, char sha[41]);
/* NULL: no such script. Words: EVALSHA sha numkeys key … arg … */
reply_t *script_run(db_t *db, uint64_t now_ms, bool full, size_t count,
                    const word_t *words);
/* Forgets all, as a restarted Redis does. */
void scripts_forget(void);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Redis on a pipe: requests in RESP from stdin, answers to
 * stdout. tests/sim/real/redis asks it what it asks a real one. Beside Redis'
 * own commands:
 *
 *     SIM.NEW run       everything is gone; INFO's run_id is that number
 *     SIM.NOW ms        the time of what follows
 *     SIM.FULL 0|1      whether memory is past its limit
 *     SIM.SCRIPT n      the text of the broker's script n
 */
#include "broker/redis_scripts.h"
#include "tests/sim/db_parts.h"
#include "tests/sim/lua_scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 1000

static db_t *s_db;
static uint64_t s_now_ms;
static bool s_full;

/* A number behind that letter; -1 at the end. */
static long s_number(char letter)
{
    char line[40];
    if (!fgets(line, sizeof line, stdin) || line[0] != letter)
        return -1;
    return strtol(line + 1, NULL, 10);
}

static size_t s_request(word_t *words)
{
    long count = s_number('*');
    if (count < 1 || count > WORDS_MAX)
        return 0;
    for (long i = 0; i < count; i++) {
        long size = s_number('$');
        char *bytes = size < 0 ? NULL : malloc((size_t)size + 2);
        if (!bytes ||
            fread(bytes, 1, (size_t)size + 2, stdin) != (size_t)size + 2)
            exit(2);
        bytes[size] = '\0';
        words[i] = (word_t){bytes, (size_t)size};
    }
    return (size_t)count;
}

static void s_answer(const reply_t *reply)
{
    switch (reply->type) {
    case REPLY_NIL:
        printf("$-1\r\n");
        break;
    case REPLY_INTEGER:
        printf(":%lld\r\n", reply->integer);
        break;
    case REPLY_STRING:
        printf("$%zu\r\n", reply->size);
        fwrite(reply->bytes, 1, reply->size, stdout);
        printf("\r\n");
        break;
    case REPLY_STATUS:
    case REPLY_ERROR:
        printf("%c%.*s\r\n", reply->type == REPLY_STATUS ? '+' : '-',
               (int)reply->size, reply->bytes);
        break;
    case REPLY_ARRAY:
        printf("*%zu\r\n", reply->size);
        for (size_t i = 0; i < reply->size; i++)
            s_answer(reply->elements[i]);
        break;
    }
}

static reply_t *s_new(const word_t *run)
{
    db_free(&s_db);
    scripts_forget();
    s_db = db_new();
    db_set_run(s_db, (uint64_t)word_value(run));
    s_full = false;
    return reply_status("OK");
}

static reply_t *s_load(const word_t *text)
{
    char sha[41];
    script_load(text, sha);
    return reply_string(sha, 40);
}

static reply_t *s_script(const word_t *number)
{
    unsigned long script = strtoul(number->bytes, NULL, 10);
    return script < SCRIPTS ? reply_string(redis_scripts[script],
                                           strlen(redis_scripts[script]))
                            : reply_nil();
}

static reply_t *s_run(size_t count, const word_t *words)
{
    if (word_is(&words[0], "SIM.NEW"))
        return s_new(&words[1]);
    if (word_is(&words[0], "SIM.SCRIPT"))
        return s_script(&words[1]);
    if (word_is(&words[0], "SCRIPT"))
        return s_load(&words[2]);
    if (word_is(&words[0], "EVALSHA"))
        return script_run(s_db, s_now_ms, s_full, count, words);
    if (word_is(&words[0], "SIM.NOW"))
        s_now_ms = (uint64_t)word_value(&words[1]);
    else if (word_is(&words[0], "SIM.FULL"))
        s_full = word_value(&words[1]);
    else
        return db_call(s_db, s_now_ms, s_full, count, words);
    return reply_status("OK");
}

int main(void)
{
    static word_t words[WORDS_MAX];
    for (size_t count; (count = s_request(words));) {
        reply_t *reply = s_run(count, words);
        s_answer(reply);
        fflush(stdout);
        reply_free(reply);
        for (size_t i = 0; i < count; i++)
            free((void *)(uintptr_t)words[i].bytes);
    }
    db_free(&s_db);
    return 0;
}

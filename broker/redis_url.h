/* SPDX-License-Identifier: Apache-2.0
 *
 * Where Redis is: "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]" (percent
 * encoding in user and password, [HOST] in brackets for IPv6), "unix:PATH", or
 * "unix://[[USER]:PASSWORD@]/PATH[?db=N]".
 */
#ifndef BROKER_REDIS_URL_H
#define BROKER_REDIS_URL_H

typedef struct {
    char *host; /* NULL: path is set */
    int port;
    char *path;
    char *user;     /* NULL: the default user */
    char *password; /* NULL: no AUTH */
    int db;
} redis_url_t;

/* -1, nothing to free, where the text is malformed. */
int redis_url_parse(redis_url_t *self, const char *text);
void redis_url_fini(redis_url_t *self);

#endif

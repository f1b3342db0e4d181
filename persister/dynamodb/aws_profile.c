/* SPDX-License-Identifier: Apache-2.0
 *
 * See aws_profile.h. The files are read line by line; what is no section and
 * no name=value is passed over.
 */
#include "persister/dynamodb/aws_profile.h"

#include "common/mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256u << 10)

const char *aws_profile_name(void)
{
    const char *name = getenv("AWS_PROFILE");
    return name && *name ? name : "default";
}

/* Without blanks at both ends; in place. */
static char *s_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* "[ profile  x ]" names the section "profile x". */
static bool s_is_section(char *line, const char *section)
{
    char *end = strchr(line, ']');
    if (!end)
        return false;
    *end = '\0';
    line = s_trim(line + 1);
    size_t prefix = strcspn(section, " ");
    if (section[prefix] == '\0')
        return strcmp(line, section) == 0;
    return strncmp(line, section, prefix) == 0 &&
           isspace((unsigned char)line[prefix]) &&
           strcmp(s_trim(line + prefix), section + prefix + 1) == 0;
}

char *aws_ini_get(const char *text, const char *section, const char *key)
{
    char *copy = mem_strdup(text);
    char *rest = copy;
    char *line, *found = NULL;
    bool inside = false;
    while (!found && (line = strsep(&rest, "\n"))) {
        line = s_trim(line);
        if (*line == '[') {
            inside = s_is_section(line, section);
            continue;
        }
        char *equals = strchr(line, '=');
        if (!inside || !equals || *line == '#' || *line == ';')
            continue;
        *equals = '\0';
        if (strcmp(s_trim(line), key) == 0)
            found = mem_strdup(s_trim(equals + 1));
    }
    free(copy);
    return found;
}

/* The text of the file the variable names, else of ~/.aws/`name`. */
static char *s_read(const char *variable, const char *name)
{
    char path[1024];
    const char *home = getenv("HOME");
    const char *given = getenv(variable);
    if (given && *given)
        snprintf(path, sizeof path, "%s", given);
    else
        snprintf(path, sizeof path, "%s/.aws/%s", home ? home : "", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = mem_alloc(FILE_MAX + 1);
    size_t size = fread(text, 1, FILE_MAX, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

static char *s_find(const char *variable, const char *file, const char *section,
                    const char *key)
{
    char *text = s_read(variable, file);
    char *value = text ? aws_ini_get(text, section, key) : NULL;
    free(text);
    return value;
}

char *aws_profile_get(const char *key)
{
    const char *profile = aws_profile_name();
    char section[256];
    char *value =
        s_find("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile, key);
    if (value)
        return value;
    bool standard = strcmp(profile, "default") == 0;
    snprintf(section, sizeof section, "%s%s", standard ? "" : "profile ",
             profile);
    return s_find("AWS_CONFIG_FILE", "config", section, key);
}

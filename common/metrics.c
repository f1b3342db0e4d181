/* SPDX-License-Identifier: Apache-2.0
 *
 * See metrics.h. The process's own figures carry the names that Prometheus'
 * client libraries give them.
 */
#include "common/metrics.h"

#include "common/mem.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A row's family: its name without the labels. */
static size_t s_family(const char *name)
{
    return strcspn(name, "{");
}

static void s_head(FILE *out, const metric_row_t *row)
{
    int length = (int)s_family(row->name);
    fprintf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, row->name,
            row->help, length, row->name,
            row->type == COUNTER ? "counter" : "gauge");
}

static int64_t s_resident_bytes(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static int64_t s_open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t count = -3; /* ".", ".." and the folder's own */
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void s_process(FILE *out)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu =
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
        (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    fprintf(out,
            "# HELP process_cpu_seconds_total User and system CPU time.\n"
            "# TYPE process_cpu_seconds_total counter\n"
            "process_cpu_seconds_total %.6f\n"
            "# HELP process_resident_memory_bytes Resident memory.\n"
            "# TYPE process_resident_memory_bytes gauge\n"
            "process_resident_memory_bytes %" PRId64 "\n"
            "# HELP process_open_fds Open file descriptors.\n"
            "# TYPE process_open_fds gauge\n"
            "process_open_fds %" PRId64 "\n",
            cpu, s_resident_bytes(), s_open_descriptors());
}

char *metrics_render(const metric_row_t *rows, const int64_t *values,
                     size_t count, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    for (size_t i = 0; i < count; i++) {
        const char *name = rows[i].name;
        size_t family = s_family(name);
        if (!i || s_family(rows[i - 1].name) != family ||
            strncmp(rows[i - 1].name, name, family))
            s_head(out, &rows[i]);
        fprintf(out, "%s %" PRId64 "\n", name, values[i]);
    }
    s_process(out);
    fclose(out);
    return text;
}

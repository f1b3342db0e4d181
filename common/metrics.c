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

static const uint64_t s_bounds_us[METRIC_BUCKETS] = {
    1000,   2000,   5000,    10000,   20000,   50000,    100000,
    200000, 500000, 1000000, 2000000, 5000000, 10000000, 30000000,
};

void metric_observe_us(metric_histogram_t *self, uint64_t us)
{
    unsigned bucket = 0;
    while (bucket < METRIC_BUCKETS && us > s_bounds_us[bucket])
        bucket++;
    self->buckets[bucket]++;
    self->sum_us += us;
}

/* A row's family: its name without the labels. */
static size_t s_family(const char *name)
{
    return strcspn(name, "{");
}

static void s_head(FILE *out, const metric_row_t *row)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    int length = (int)s_family(row->name);
    fprintf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, row->name,
            row->help, length, row->name, types[row->type]);
}

/* Buckets are said as Prometheus wants them: each counts the ones below, too.
 */
static void s_histogram(FILE *out, const char *name,
                        const metric_histogram_t *histogram)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        count += histogram->buckets[i];
        fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
                (double)s_bounds_us[i] / 1e6, count);
    }
    count += histogram->buckets[METRIC_BUCKETS];
    fprintf(out,
            "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.6f\n"
            "%s_count %" PRIu64 "\n",
            name, count, name, (double)histogram->sum_us / 1e6, name, count);
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

char *metrics_render(const metrics_t *self, size_t *length)
{
    const metric_row_t *rows = self->rows;
    const metric_histogram_t *histogram = self->histograms;
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    for (size_t i = 0; i < self->count; i++) {
        const char *name = rows[i].name;
        size_t family = s_family(name);
        if (!i || s_family(rows[i - 1].name) != family ||
            strncmp(rows[i - 1].name, name, family))
            s_head(out, &rows[i]);
        if (rows[i].type == HISTOGRAM)
            s_histogram(out, name, histogram++);
        else
            fprintf(out, "%s %" PRId64 "\n", name, self->values[i]);
    }
    s_process(out);
    fclose(out);
    return text;
}

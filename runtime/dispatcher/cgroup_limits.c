#include "dispatcher/cgroup_limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERIOD_MIN_US = 10000, QUOTA_MIN_US = 2000 };

struct cgroup_limits cgroup_limits_of(const struct manifest *m)
{
    uint64_t workers = (uint64_t)m->instances_max + CGROUP_WORKERS_EXTRA;
    return (struct cgroup_limits){
        .memory_bytes = workers * (m->limit_memory_bytes + CGROUP_WORKER_EXTRA_BYTES),
        .pids = workers * m->limit_threads + CGROUP_SPARES,
        .cpu_percent = m->limit_cpu_percent,
    };
}

/* Of processor time the version with most decides, so that a new one does not slow the old one down. */
void cgroup_limits_add(struct cgroup_limits *sum, const struct cgroup_limits *more, bool is_first)
{
    bool has_none = more->cpu_percent == 0 || (!is_first && sum->cpu_percent == 0);
    sum->memory_bytes += more->memory_bytes;
    sum->pids += more->pids;
    if (has_none)
        sum->cpu_percent = 0;
    else if (more->cpu_percent > sum->cpu_percent)
        sum->cpu_percent = more->cpu_percent;
}

const char *cgroup_cpu_max(uint32_t percent, char buffer[CGROUP_VALUE_MAX])
{
    if (percent == 0)
        return "max";
    uint64_t period_us = QUOTA_MIN_US * 100ull / percent;
    if (period_us < PERIOD_MIN_US)
        period_us = PERIOD_MIN_US;
    snprintf(buffer, CGROUP_VALUE_MAX, "%llu %llu", (unsigned long long)(period_us * percent / 100),
             (unsigned long long)period_us);
    return buffer;
}

uint64_t cgroup_parse_count(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return strtoull(line + len, NULL, 10);
    }
    return 0;
}

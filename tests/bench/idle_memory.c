/* idle_memory.c: what workers that wait for messages weigh: bench_idle_memory FUNCTION N starts N of them and
 * prints the mean of their PSS and of what is private to each, in KiB. The kernel shows it to root alone,
 * since workers are not dumpable: exit code 77 for others. */
#include "trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 1000 };

struct weight {
    unsigned long pss_kib, private_kib;
};

/* 0, or -EACCES. */
static int weigh(int pid, struct weight *sum)
{
    char path[64], line[256];
    unsigned long kib;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return -EACCES;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "Pss: %lu", &kib) == 1)
            sum->pss_kib += kib;
        if (sscanf(line, "Private_Dirty: %lu", &kib) == 1 || sscanf(line, "Private_Clean: %lu", &kib) == 1)
            sum->private_kib += kib;
    }
    fclose(f);
    return 0;
}

static int weigh_all(const struct trial *trials, unsigned long count)
{
    struct weight sum = {0};
    for (unsigned long i = 0; i < count; i++)
        if (weigh(worker_pid(trials[i].worker), &sum) < 0)
            return 77;
    printf("%.0f\n%.0f\n", (double)sum.pss_kib / (double)count, (double)sum.private_kib / (double)count);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct trial trials[WORKERS_MAX];
    unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (count == 0 || count > WORKERS_MAX) {
        fprintf(stderr, "usage: bench_idle_memory FUNCTION N\n");
        return 64;
    }
    trials_open(argv[1], 0);
    for (unsigned long i = 0; i < count; i++)
        trial_start(&trials[i]);
    int code = weigh_all(trials, count);
    for (unsigned long i = 0; i < count; i++)
        trial_stop(&trials[i]);
    trials_close();
    return code;
}

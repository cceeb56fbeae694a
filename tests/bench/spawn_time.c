/* spawn_time.c: what a cold start is measured against: bench_spawn_time N prints the median time, in
 * microseconds, to spawn /bin/true and to see it end. */
#include "samples.h"
#include "shared/clock.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t spawn_true_ns(void)
{
    static char path[] = "/bin/true";
    char *argv[] = {path, NULL};
    pid_t pid;
    uint64_t start_ns = clock_now_ns();
    if (posix_spawn(&pid, path, NULL, NULL, argv, environ) != 0 || waitpid(pid, NULL, 0) != pid) {
        fprintf(stderr, "spawn_time: cannot run %s\n", path);
        exit(EXIT_FAILURE);
    }
    return clock_now_ns() - start_ns;
}

int main(int argc, char **argv)
{
    struct samples times = {0};
    unsigned long n = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (n == 0) {
        fprintf(stderr, "usage: bench_spawn_time N\n");
        return 64;
    }
    for (unsigned long i = 0; i < n; i++)
        samples_add(&times, spawn_true_ns());
    printf("%.1f\n", samples_percentile_us(&times, 50));
    samples_finish(&times);
    return EXIT_SUCCESS;
}

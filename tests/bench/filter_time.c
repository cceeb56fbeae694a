/* filter_time.c: what the system call filter costs: bench_filter_time SYSCALLS.so LAYERS prints the
 * nanoseconds of getppid and of fcntl in a worker; LAYERS is `sealed`, or `waived`: everything but the
 * filter. */
#include "shared/layers.h"
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct trial t;
    double ns[2];
    const char *layers = argc == 3 ? argv[2] : "";
    bool is_waived = strcmp(layers, "waived") == 0;
    if (!is_waived && strcmp(layers, "sealed") != 0) {
        fprintf(stderr, "usage: bench_filter_time SYSCALLS.so sealed|waived\n");
        return 64;
    }
    trials_open(argv[1], is_waived ? 1u << LAYER_SECCOMP : 0);
    trial_start(&t);
    if (t.answer_len != sizeof ns)
        die("the function is not syscalls.c");
    memcpy(ns, t.answer, sizeof ns);
    printf("%.1f\n%.1f\n", ns[0], ns[1]);
    trial_stop(&t);
    trials_close();
    return EXIT_SUCCESS;
}

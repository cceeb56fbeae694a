/* process_tree.c: a program with all its descendants, as one thing to measure.
 *
 *     bench_process_tree run COMMAND...        runs it, and is the parent of whatever it leaves behind
 *     bench_process_tree cpu PID               milliseconds of CPU that they have used, the reaped included
 *     bench_process_tree memory PID            PSS and RSS of all but PID itself, in KiB, and how many they
 *                                              are; exit code 77 where only root may look
 *     bench_process_tree settle PID N SECONDS  waits until they are fewer than N; fails when it takes longer
 *     bench_process_tree gone PID NAME SECONDS waits until none of them is called that; fails likewise
 *     bench_process_tree sealed PID NAME SECONDS
 *                                              waits until one of them is called that, and each of these has
 * a system call filter and can gain no privileges; fails likewise
 *
 * PID is that of the `run`. */
#include "shared/clock.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES_MAX = 32768, STAT_BYTES = 1024, NAME_BYTES = 16, SETTLE_POLL_MS = 10 };

struct process {
    int pid, parent;
    unsigned long ticks;
    bool is_ours;
    char name[NAME_BYTES];
};

static struct process table[PROCESSES_MAX];
static size_t table_count;

/* False: it is gone. */
static bool read_stat(const char *pid, struct process *ret_process)
{
    char path[300], text[STAT_BYTES];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';
    const char *name = strchr(text, '('), *after_name = strrchr(text, ')');
    unsigned long user, system;
    long reaped_user, reaped_system;
    int parent;
    if (!name || !after_name ||
        sscanf(after_name + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &parent, &user,
               &system, &reaped_user, &reaped_system) != 5)
        return false;
    *ret_process = (struct process){.pid = (int)strtol(pid, NULL, 10),
                                    .parent = parent,
                                    .ticks = user + system + (unsigned long)(reaped_user + reaped_system)};
    snprintf(ret_process->name, NAME_BYTES, "%.*s", (int)(after_name - name) - 1, name + 1);
    return true;
}

static void read_all(void)
{
    DIR *proc = opendir("/proc");
    table_count = 0;
    if (!proc)
        exit(EXIT_FAILURE);
    for (struct dirent *e; table_count < PROCESSES_MAX && (e = readdir(proc));) {
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && read_stat(e->d_name, &table[table_count]))
            table_count++;
    }
    closedir(proc);
}

static bool is_ours(int pid)
{
    for (size_t i = 0; i < table_count; i++) {
        if (table[i].pid == pid)
            return table[i].is_ours;
    }
    return false;
}

static void mark_descendants(int root)
{
    bool has_changed = true;
    for (size_t i = 0; i < table_count; i++)
        table[i].is_ours = table[i].pid == root;
    while (has_changed) {
        has_changed = false;
        for (size_t i = 0; i < table_count; i++) {
            if (!table[i].is_ours && is_ours(table[i].parent))
                has_changed = table[i].is_ours = true;
        }
    }
}

static unsigned count(int root, unsigned long *ret_ticks)
{
    unsigned n = 0;
    *ret_ticks = 0;
    read_all();
    mark_descendants(root);
    for (size_t i = 0; i < table_count; i++) {
        if (table[i].is_ours) {
            n++;
            *ret_ticks += table[i].ticks;
        }
    }
    return n;
}

/* Adds to both sums. -EACCES: it is a sealed one, and we are not root. A process that has gone weighs
 * nothing.
 */
static int weigh(int pid, unsigned long *pss_kib, unsigned long *rss_kib)
{
    char path[64], line[256];
    unsigned long kib;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT || errno == ESRCH ? 0 : -EACCES;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "Pss: %lu", &kib) == 1)
            *pss_kib += kib;
        if (sscanf(line, "Rss: %lu", &kib) == 1)
            *rss_kib += kib;
    }
    fclose(f);
    return 0;
}

static int print_memory(int root)
{
    unsigned long ticks, pss_kib = 0, rss_kib = 0;
    unsigned processes = count(root, &ticks) - 1;
    for (size_t i = 0; i < table_count; i++)
        if (table[i].is_ours && table[i].pid != root && weigh(table[i].pid, &pss_kib, &rss_kib) < 0)
            return 77;
    printf("%lu %lu %u\n", pss_kib, rss_kib, processes);
    return EXIT_SUCCESS;
}

static int settle(int root, unsigned limit, unsigned long seconds)
{
    unsigned long ticks;
    uint64_t deadline_ns = clock_now_ns() + seconds * NS_PER_S;
    while (count(root, &ticks) >= limit) {
        if (clock_now_ns() > deadline_ns) {
            fprintf(stderr, "process_tree: still %u processes\n", count(root, &ticks));
            return EXIT_FAILURE;
        }
        poll(NULL, 0, SETTLE_POLL_MS);
    }
    return EXIT_SUCCESS;
}

/* proc_pid_status(5): everybody may look. */
static bool is_sealed(int pid)
{
    char path[64], line[256];
    unsigned filtered = 0, unprivileged = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        (void)sscanf(line, "Seccomp: %u", &filtered);
        (void)sscanf(line, "NoNewPrivs: %u", &unprivileged);
    }
    if (f)
        fclose(f);
    return filtered == 2 && unprivileged == 1;
}

static bool are_sealed(int root, const char *name)
{
    unsigned called = 0, sealed = 0;
    read_all();
    mark_descendants(root);
    for (size_t i = 0; i < table_count; i++) {
        if (table[i].is_ours && strcmp(table[i].name, name) == 0) {
            called++;
            sealed += is_sealed(table[i].pid);
        }
    }
    return called > 0 && sealed == called;
}

static int await_sealed(int root, const char *name, unsigned long seconds)
{
    uint64_t deadline_ns = clock_now_ns() + seconds * NS_PER_S;
    while (!are_sealed(root, name)) {
        if (clock_now_ns() > deadline_ns) {
            fprintf(stderr, "process_tree: there is no %s, or it is not sealed\n", name);
            return EXIT_FAILURE;
        }
        poll(NULL, 0, SETTLE_POLL_MS);
    }
    return EXIT_SUCCESS;
}

static bool is_any_called(int root, const char *name)
{
    read_all();
    mark_descendants(root);
    for (size_t i = 0; i < table_count; i++) {
        if (table[i].is_ours && strcmp(table[i].name, name) == 0)
            return true;
    }
    return false;
}

static int await_gone(int root, const char *name, unsigned long seconds)
{
    uint64_t deadline_ns = clock_now_ns() + seconds * NS_PER_S;
    while (is_any_called(root, name)) {
        if (clock_now_ns() > deadline_ns) {
            fprintf(stderr, "process_tree: %s is still there\n", name);
            return EXIT_FAILURE;
        }
        poll(NULL, 0, SETTLE_POLL_MS);
    }
    return EXIT_SUCCESS;
}

static volatile sig_atomic_t child_pid;

static void pass_on(int signal)
{
    if (child_pid > 0)
        kill(child_pid, signal);
}

/* Ends once no descendant is left; the exit code is the command's. */
static int run(char **command)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    child_pid = fork();
    if (child_pid == 0) {
        execvp(command[0], command);
        fprintf(stderr, "process_tree: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    signal(SIGTERM, pass_on);
    signal(SIGINT, pass_on);
    int status, result = EXIT_FAILURE;
    for (pid_t pid; (pid = wait(&status)) > 0 || errno == EINTR;) {
        if (pid == child_pid)
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return result;
}

int main(int argc, char **argv)
{
    unsigned long ticks;
    const char *verb = argc > 2 ? argv[1] : "";
    if (strcmp(verb, "run") == 0)
        return run(argv + 2);
    int root = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (strcmp(verb, "cpu") == 0 && count(root, &ticks) > 0)
        return printf("%lu\n", ticks * 1000 / (unsigned long)sysconf(_SC_CLK_TCK)) < 0;
    if (strcmp(verb, "memory") == 0)
        return print_memory(root);
    if (strcmp(verb, "gone") == 0 && argc == 5)
        return await_gone(root, argv[3], strtoul(argv[4], NULL, 10));
    if (strcmp(verb, "sealed") == 0 && argc == 5)
        return await_sealed(root, argv[3], strtoul(argv[4], NULL, 10));
    if (strcmp(verb, "settle") == 0 && argc == 5)
        return settle(root, (unsigned)strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
    fprintf(stderr,
            "usage: bench_process_tree run COMMAND... | cpu PID | memory PID | settle PID N SECONDS | "
            "gone PID NAME SECONDS | sealed PID NAME SECONDS\n");
    return 64;
}

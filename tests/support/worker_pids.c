#include "support/worker_pids.h"

#include "shared/check.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES_MAX = 8192, WORKERS_MAX = 256 };

struct family {
    size_t count;
    struct {
        pid_t pid, parent;
    } members[PROCESSES_MAX];
};

/* 0: it has gone, or is a zombie. */
static pid_t parent_of(const char *pid)
{
    char path[300], text[512];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';
    const char *after_name = strrchr(text, ')');
    char state;
    int parent;
    if (!after_name || sscanf(after_name + 1, " %c %d", &state, &parent) != 2 || state == 'Z')
        return 0;
    return parent;
}

static struct family *everybody(void)
{
    struct family *f = must_alloc(sizeof *f);
    f->count = 0;
    DIR *proc = opendir("/proc");
    CHECK(proc);
    struct dirent *entry;
    while ((entry = readdir(proc)) && f->count < PROCESSES_MAX) {
        pid_t parent = isdigit((unsigned char)entry->d_name[0]) ? parent_of(entry->d_name) : 0;
        if (!parent)
            continue;
        f->members[f->count].pid = (pid_t)strtol(entry->d_name, NULL, 10);
        f->members[f->count++].parent = parent;
    }
    closedir(proc);
    return f;
}

static pid_t parent_in(const struct family *f, pid_t pid)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->members[i].pid == pid)
            return f->members[i].parent;
    return 0;
}

static bool is_parent(const struct family *f, pid_t pid)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->members[i].parent == pid)
            return true;
    return false;
}

/* Generations between them: 1 for a child, 0 when it is no descendant. */
static int generation(const struct family *f, pid_t pid, pid_t ancestor)
{
    int count = 1;
    for (pid_t p = parent_in(f, pid); p > 1; p = parent_in(f, p), count++)
        if (p == ancestor)
            return count;
    return 0;
}

size_t worker_pids(pid_t hark, pid_t *pids, size_t max)
{
    struct family *f = everybody();
    size_t count = 0;
    for (size_t i = 0; i < f->count && count < max; i++) {
        pid_t pid = f->members[i].pid;
        if (generation(f, pid, hark) >= 2 && !is_parent(f, pid))
            pids[count++] = pid;
    }
    free(f);
    return count;
}

size_t descendant_pids(pid_t ancestor, pid_t *pids, size_t max)
{
    struct family *f = everybody();
    size_t count = 0;
    for (size_t i = 0; i < f->count && count < max; i++) {
        if (generation(f, f->members[i].pid, ancestor) > 0)
            pids[count++] = f->members[i].pid;
    }
    free(f);
    return count;
}

/* Not a worker, or not yet: the first process of their namespace, with which all end, and those that wait for
 * a function. Who runs one has its name, hark:NAME. */
static bool is_of_the_zygote(pid_t pid)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t len = fread(name, 1, sizeof name - 1, f);
    fclose(f);
    name[len] = '\0';
    return strncmp(name, "hark-", 5) == 0;
}

static size_t with_function(pid_t hark, pid_t pids[WORKERS_MAX])
{
    size_t found = worker_pids(hark, pids, WORKERS_MAX), count = 0;
    for (size_t i = 0; i < found; i++)
        if (!is_of_the_zygote(pids[i]))
            pids[count++] = pids[i];
    return count;
}

size_t worker_signal_all(pid_t hark, int signal)
{
    pid_t pids[WORKERS_MAX];
    size_t found = with_function(hark, pids), count = 0;
    for (size_t i = 0; i < found; i++)
        count += kill(pids[i], signal) == 0;
    return count;
}

pid_t worker_choose(pid_t hark, unsigned *seed)
{
    pid_t pids[WORKERS_MAX];
    size_t count = with_function(hark, pids);
    return count ? pids[(size_t)rand_r(seed) % count] : 0;
}

pid_t worker_kill_random(pid_t hark, unsigned *seed)
{
    pid_t chosen = worker_choose(hark, seed);
    return chosen && kill(chosen, SIGKILL) == 0 ? chosen : 0;
}

size_t child_pids(pid_t parent, pid_t *pids, size_t max)
{
    struct family *f = everybody();
    size_t count = 0;
    for (size_t i = 0; i < f->count && count < max; i++)
        if (f->members[i].parent == parent)
            pids[count++] = f->members[i].pid;
    free(f);
    return count;
}

pid_t zygote_signal(pid_t hark, int signal)
{
    pid_t pids[WORKERS_MAX];
    size_t count = child_pids(hark, pids, WORKERS_MAX);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], signal);
    return count ? pids[0] : 0;
}

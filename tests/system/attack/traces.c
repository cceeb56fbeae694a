#include "attack/traces.h"

#include "shared/check.h"
#include "shared/clock.h"
#include "support/process.h"

#include <ctype.h>
#include <dirent.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PROCESSES_MAX = 8192,
    ORPHAN_MS = 1000,
    RETURN_MS = 5000,
    LOOK_AGAIN_MS = 20,
    OF_A_SPARE = 2 /* channel, log */
};

#define ZYGOTE "hark-zygote"

struct entry {
    pid_t pid, parent;
    char name[32];
};

static bool read_entry(const char *pid, struct entry *ret_entry)
{
    char path[300], text[512];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';
    char *name = strchr(text, '('), *after = strrchr(text, ')'), state;
    int parent;
    if (!name || !after || sscanf(after + 1, " %c %d", &state, &parent) != 2)
        return false;
    *after = '\0';
    *ret_entry = (struct entry){(pid_t)strtol(pid, NULL, 10), parent, ""};
    snprintf(ret_entry->name, sizeof ret_entry->name, "%s", name + 1);
    return true;
}

/* Everybody; the caller frees. */
static struct entry *everybody(size_t *ret_count)
{
    struct entry *all = must_alloc(PROCESSES_MAX * sizeof *all);
    size_t count = 0;
    DIR *proc = opendir("/proc");
    CHECK(proc);
    struct dirent *d;
    while ((d = readdir(proc)) && count < PROCESSES_MAX)
        if (isdigit((unsigned char)d->d_name[0]) && read_entry(d->d_name, &all[count]))
            count++;
    closedir(proc);
    *ret_count = count;
    return all;
}

static bool descends(const struct entry *all, size_t count, pid_t pid, pid_t ancestor)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].pid == pid) {
            if (all[i].parent == ancestor)
                return true;
            pid = all[i].parent;
            i = (size_t)-1; /* from the start, for the parent */
        }
    return false;
}

pid_t traces_find(pid_t hark, const char *name)
{
    size_t count;
    struct entry *all = everybody(&count);
    pid_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].name, name) != 0 || !descends(all, count, all[i].pid, hark))
            continue;
        found = all[i].pid;
        if (all[i].parent == hark)
            break;
    }
    free(all);
    return found;
}

static void count_descriptors(pid_t pid, struct traces *t)
{
    char path[64], target[256];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *fds = opendir(path);
    if (!fds)
        return; /* not dumpable, and we are not root */
    struct dirent *d;
    while ((d = readdir(fds))) {
        ssize_t len = readlinkat(dirfd(fds), d->d_name, target, sizeof target - 1);
        if (len < 0)
            continue;
        target[len] = '\0';
        t->descriptors++;
        t->memfds += strncmp(target, "/memfd:", strlen("/memfd:")) == 0;
    }
    closedir(fds);
}

static struct traces look(pid_t hark)
{
    struct traces t = {0};
    size_t count;
    struct entry *all = everybody(&count);
    for (size_t i = 0; i < count; i++)
        if (descends(all, count, all[i].pid, hark)) {
            size_t used = strlen(t.names);
            snprintf(t.names + used, sizeof t.names - used, " %s", all[i].name);
            bool is_spare = strcmp(all[i].name, ZYGOTE) == 0 && all[i].parent != hark; /* not named yet */
            t.spares += is_spare;
            t.processes += !is_spare;
        }
    free(all);
    count_descriptors(hark, &t);
    count_descriptors(traces_find(hark, ZYGOTE), &t);
    size_t of_spares = OF_A_SPARE * t.spares;
    t.descriptors -= t.descriptors > of_spares ? of_spares : t.descriptors;
    return t;
}

struct traces traces_at_rest(pid_t hark, size_t spares)
{
    uint64_t until_ns = clock_now_ns() + RETURN_MS * NS_PER_MS;
    struct traces now = look(hark), before;
    do {
        if (clock_now_ns() > until_ns)
            give_up("hark does not come to rest:%s", now.names);
        before = now;
        (void)poll(NULL, 0, LOOK_AGAIN_MS); /* the kernel tells nobody when a descriptor is closed */
        now = look(hark);
    } while (now.spares != spares || now.descriptors != before.descriptors);
    return now;
}

bool traces_return_to(pid_t hark, const struct traces *before, struct traces *ret_now)
{
    uint64_t until_ns = clock_now_ns() + RETURN_MS * NS_PER_MS;
    for (;;) {
        struct traces now = look(hark);
        *ret_now = now;
        if (now.processes <= before->processes && now.descriptors <= before->descriptors &&
            now.memfds <= before->memfds)
            return true;
        if (clock_now_ns() > until_ns)
            return false;
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

void traces_adopt_orphans(void)
{
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

/* Those that have ended are reaped: the first process of a pid namespace cannot end before that. How many
 * have not; they are sent `signal`. */
static size_t reap_orphans(pid_t except, int signal)
{
    size_t count, alive = 0;
    struct entry *all = everybody(&count);
    for (size_t i = 0; i < count; i++)
        if (all[i].parent == getpid() && all[i].pid != except && waitpid(all[i].pid, NULL, WNOHANG) == 0) {
            alive++;
            (void)kill(all[i].pid, signal);
        }
    free(all);
    return alive;
}

size_t traces_orphans(pid_t except)
{
    uint64_t until_ns = clock_now_ns() + ORPHAN_MS * NS_PER_MS;
    while (reap_orphans(except, 0) && clock_now_ns() < until_ns)
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    return reap_orphans(except, SIGKILL);
}

size_t traces_files(const char *pattern)
{
    glob_t found;
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

#include "attack/traces.h"

#include "shared/check.h"
#include "shared/clock.h"

#include <ctype.h>
#include <dirent.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES_MAX = 8192, ORPHAN_MS = 1000, RETURN_MS = 5000, LOOK_AGAIN_MS = 20 };

struct entry {
    pid_t pid, parent;
    char name[32];
    bool is_zombie;
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
    *ret_entry = (struct entry){(pid_t)strtol(pid, NULL, 10), parent, "", state == 'Z'};
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
    for (size_t i = 0; i < count && !found; i++)
        if (strcmp(all[i].name, name) == 0 && descends(all, count, all[i].pid, hark))
            found = all[i].pid;
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

struct traces traces_of(pid_t hark)
{
    struct traces t = {0};
    size_t count;
    struct entry *all = everybody(&count);
    for (size_t i = 0; i < count; i++)
        t.processes += descends(all, count, all[i].pid, hark);
    free(all);
    count_descriptors(hark, &t);
    count_descriptors(traces_find(hark, "hark-zygote"), &t);
    return t;
}

bool traces_return_to(pid_t hark, const struct traces *before, struct traces *ret_now)
{
    uint64_t until_ns = clock_now_ns() + RETURN_MS * NS_PER_MS;
    for (;;) {
        struct traces now = traces_of(hark);
        *ret_now = now;
        if (now.processes <= before->processes && now.descriptors <= before->descriptors &&
            now.memfds <= before->memfds)
            return true;
        if (clock_now_ns() > until_ns)
            return false;
        (void)poll(NULL, 0, LOOK_AGAIN_MS); /* the kernel tells nobody when a descriptor is closed */
    }
}

void traces_adopt_orphans(void)
{
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

/* Waits for it to end, and ends it when it does not. */
static bool ends_by_itself(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return true;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool ended = poll(&p, 1, ORPHAN_MS) == 1;
    close(fd);
    if (!ended)
        kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return ended;
}

size_t traces_orphans(pid_t except)
{
    size_t count, left = 0, seen;
    do {
        struct entry *all = everybody(&count);
        seen = 0;
        for (size_t i = 0; i < count; i++)
            if (all[i].parent == getpid() && all[i].pid != except) {
                seen++;
                left += !ends_by_itself(all[i].pid);
            }
        free(all);
    } while (seen); /* one that ends may leave us its children */
    return left;
}

size_t traces_files(const char *pattern)
{
    glob_t found;
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

#include "cli/dev_tree.h"

#include "cli/dev_source.h"
#include "dispatcher/watch.h"
#include "shared/log.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a, of words instead of bytes. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    return (sum ^ word) * UINT64_C(0x100000001b3);
}

/* A link counts as the file that it leads to. 0: there is none. */
static uint64_t sum_of_file(const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0 || !S_ISREG(s.st_mode))
        return 0;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (const char *c = path; *c; c++)
        sum = mix(sum, (unsigned char)*c);
    sum = mix(mix(sum, (uint64_t)s.st_size), (uint64_t)s.st_ino);
    return mix(mix(sum, (uint64_t)s.st_mtim.tv_sec), (uint64_t)s.st_mtim.tv_nsec);
}

/* CMake and Cargo mark the folders that they build in. */
static bool is_built_in(const struct dev_tree *t, const char *path)
{
    char *mark;
    if (t->left_out && strcmp(path, t->left_out) == 0)
        return true;
    bool found = false;
    static const char *const marks[] = {"CMakeCache.txt", "CACHEDIR.TAG"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks && !found; i++) {
        if (asprintf(&mark, "%s/%s", path, marks[i]) < 0)
            return false;
        found = access(mark, F_OK) == 0;
        free(mark);
    }
    return found;
}

static void watch(struct dev_tree *t, const char *path)
{
    int error = watch_folder(t->watch, path);
    if (error == 0 || t->said)
        return;
    t->said = true;
    log_warn("%s: cannot be watched: %s; sources there are looked at every %d s", path,
             error == -ENOSPC ? "there are too many folders" : strerror(-error), WATCH_RESCAN_MS / 1000);
}

static uint64_t sum_of_folder(struct dev_tree *t, const char *path, int depth);

static uint64_t sum_of_entry(struct dev_tree *t, const char *folder, const struct dirent *entry, int depth)
{
    char *path;
    struct stat s;
    uint64_t sum = 0;
    if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
        return 0;
    if (dev_source_is(entry->d_name))
        sum = sum_of_file(path);
    else if (dev_source_may_be_in(entry->d_name) && lstat(path, &s) == 0 && S_ISDIR(s.st_mode) &&
             !is_built_in(t, path))
        sum = sum_of_folder(t, path, depth + 1);
    free(path);
    return sum;
}

/* The order that a folder is read in does not count. */
static uint64_t sum_of_folder(struct dev_tree *t, const char *path, int depth)
{
    uint64_t sum = 0;
    DIR *dir = depth < DEV_TREE_DEPTH_MAX ? opendir(path) : NULL;
    if (!dir)
        return 0;
    watch(t, path);
    for (struct dirent *e; t->entries < DEV_TREE_ENTRIES_MAX && (e = readdir(dir)); t->entries++)
        sum += sum_of_entry(t, path, e, depth);
    closedir(dir);
    return sum;
}

static uint64_t sum_of_all(struct dev_tree *t)
{
    t->entries = 0;
    return sum_of_folder(t, t->root, 0);
}

static void on_changed(void *user, bool by_event)
{
    (void)by_event;
    struct dev_tree *t = user;
    uint64_t sum = sum_of_all(t);
    if (sum == t->seen)
        return;
    t->seen = sum;
    t->changed(t->user);
}

bool dev_tree_open(struct dev_tree *t, uv_loop_t *loop, const char *root, const char *left_out,
                   void (*changed)(void *user), void *user)
{
    *t = (struct dev_tree){.root = root, .left_out = left_out, .changed = changed, .user = user};
    t->watch = watch_create(loop, on_changed, t);
    if (t->watch)
        t->seen = sum_of_all(t);
    return t->watch != NULL;
}

void dev_tree_close(struct dev_tree *t)
{
    if (t->watch)
        watch_close(t->watch);
    t->watch = NULL;
}

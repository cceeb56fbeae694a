#include "cli/test_watch.h"

#include "cli/test_concerns.h"
#include "cli/test_files.h"
#include "cli/test_jobs.h"
#include "dispatcher/revision.h"
#include "dispatcher/watch.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { SIGNALS = 2 };
static const int signal_numbers[SIGNALS] = {SIGINT, SIGTERM};

/* A file of test cases. */
struct watched {
    char *path;    /* owned */
    uint64_t look; /* of it and all that concerns it, when it was last looked at */
    bool is_there, is_changed;
};

struct test_watch {
    const struct options *options;
    struct host host;
    struct watch *watch;
    uv_signal_t signals[SIGNALS];
    struct watched *files; /* owned */
    size_t count;
    bool changed, stops;
    bool said_too_many, has_run;
};

/* ---- what is watched ---- */

static void watch_one(struct test_watch *w, const char *folder)
{
    int error = watch_folder(w->watch, folder);
    if (error < 0 && !w->said_too_many)
        log_warn("%s and more folders: looked at every %d s only: %s", folder, WATCH_RESCAN_MS / 1000,
                 error == -ENOSPC ? "too many to be watched" : strerror(-error));
    w->said_too_many |= error < 0;
}

static void watch_folder_of(struct test_watch *w, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash          ? must_strdup(".")
                   : slash == path ? must_strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    CHECK(folder);
    watch_one(w, folder);
    free(folder);
}

static void on_folder(void *user, const char *path)
{
    watch_one(user, path);
}

/* ---- looking ---- */

static struct watched *file_of(struct test_watch *w, const char *path)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->files[i].path, path) == 0)
            return &w->files[i];
    }
    w->files = realloc(w->files, (w->count + 1) * sizeof *w->files);
    CHECK(w->files);
    w->files[w->count] = (struct watched){.path = must_strdup(path), .is_changed = true};
    return &w->files[w->count++];
}

static void look_at(struct test_watch *w, const char *path)
{
    struct watched *f = file_of(w, path);
    struct test_concerns concerns;
    test_concerns_find(path, w->options->functions, &concerns);
    for (size_t i = 0; i < concerns.count; i++)
        watch_folder_of(w, concerns.paths[i]);
    uint64_t look = file_signatures_fold(concerns.paths);
    f->is_changed |= f->look != look;
    f->look = look;
    f->is_there = true;
    test_concerns_finish(&concerns);
}

static void forget_those_that_are_gone(struct test_watch *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->files[i].is_there) {
            w->files[kept++] = w->files[i];
            continue;
        }
        log_info("%s is gone", w->files[i].path);
        free(w->files[i].path);
    }
    w->count = kept;
}

static int find(struct test_watch *w, struct test_paths *paths)
{
    const struct options *o = w->options;
    int code = o->argument_count == 0 ? test_paths_find(paths, ".") : 0;
    for (size_t i = 0; i < o->argument_count; i++) {
        int its_code = test_paths_find(paths, o->arguments[i]);
        code = code == 0 ? its_code : code;
    }
    return code;
}

/* Where new files may come. Behind the folders that concern the files there are: those come first where not
 * all can be watched. */
static void watch_trees(struct test_watch *w)
{
    struct test_paths again = {.quiet = true, .folder = on_folder, .user = w};
    if (w->options->functions)
        watch_one(w, w->options->functions);
    int code = find(w, &again);
    (void)code; /* what is not there may come */
    test_paths_finish(&again);
}

/* The exit code of the first look; later ones take things as they are. */
static int look(struct test_watch *w)
{
    struct test_paths paths = {.quiet = w->has_run};
    int code = find(w, &paths);
    for (size_t i = 0; i < w->count; i++)
        w->files[i].is_there = false;
    for (size_t i = 0; i < paths.count; i++)
        look_at(w, paths.items[i].path);
    test_paths_finish(&paths);
    forget_those_that_are_gone(w);
    watch_trees(w);
    return w->has_run ? 0 : code;
}

/* ---- running ---- */

static void on_over(void *user, const struct test_outcome *o)
{
    (void)user;
    test_report_case(o);
}

static void run_files(struct test_watch *w, const struct test_files *files)
{
    size_t count;
    uint64_t began_ns = clock_now_ns();
    struct test_outcome *outcomes = test_outcomes_of(files->items, files->count, &count);
    const struct test_jobs jobs = {
        .host = &w->host, .functions = w->options->functions, .stops = &w->stops, .over = on_over};
    if (test_jobs_run(&jobs, outcomes, count) && count > 0)
        test_report_end(test_totals_of(outcomes, count), clock_now_ns() - began_ns);
    test_jobs_drop(outcomes, count);
    free(outcomes);
}

static bool is_any_changed(const struct test_watch *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->files[i].is_changed)
            return true;
    }
    return false;
}

static void clear_screen(void)
{
    if (isatty(STDOUT_FILENO) == 1)
        fputs("\033[H\033[2J", stdout);
    fflush(stdout);
}

static void run_changed(struct test_watch *w)
{
    struct test_files files = {0};
    if (!is_any_changed(w) && (w->has_run || w->count > 0))
        return;
    if (w->has_run)
        clear_screen();
    for (size_t i = 0; i < w->count; i++) {
        if (w->files[i].is_changed)
            test_files_read(&files, w->files[i].path);
        w->files[i].is_changed = false;
    }
    run_files(w, &files);
    test_files_finish(&files);
    w->has_run = true;
    if (!w->stops)
        log_info("watching %zu %s of test cases, an interrupt (Ctrl-C) ends it", w->count,
                 w->count == 1 ? "file" : "files");
}

/* ---- the loop ---- */

static void on_changed(void *user, bool by_event)
{
    (void)by_event;
    ((struct test_watch *)user)->changed = true;
}

/* A second one does what it does by default. */
static void on_signal(uv_signal_t *handle, int number)
{
    struct test_watch *w = handle->data;
    (void)number;
    w->stops = true;
    for (size_t i = 0; i < SIGNALS; i++)
        uv_signal_stop(&w->signals[i]);
}

static int open_watch(struct test_watch *w)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&w->host.loop, &w->signals[i]);
        w->signals[i].data = w;
        uv_signal_start(&w->signals[i], on_signal, signal_numbers[i]);
    }
    w->watch = watch_create(&w->host.loop, on_changed, w);
    if (w->watch)
        return host_needs_workers(&w->host);
    log_error("out of memory");
    return EX_SOFTWARE;
}

static void close_watch(struct test_watch *w)
{
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&w->signals[i], NULL);
    if (w->watch)
        watch_close(w->watch);
    for (size_t i = 0; i < w->count; i++)
        free(w->files[i].path);
    free(w->files);
    host_finish(&w->host);
}

static int serve(struct test_watch *w)
{
    while (!w->stops) {
        w->changed = false;
        int code = look(w);
        if (code != 0)
            return code;
        run_changed(w);
        while (!w->changed && !w->stops)
            uv_run(&w->host.loop, UV_RUN_ONCE);
    }
    return 0;
}

int test_watch(const struct options *o)
{
    struct test_watch w = {.options = o};
    int code = host_init(&w.host, o);
    if (code != 0)
        return code;
    code = open_watch(&w);
    if (code == 0)
        code = serve(&w);
    close_watch(&w);
    if (isatty(STDOUT_FILENO) == 1)
        putchar('\n'); /* behind ^C */
    return code;
}

#include "cli/dev_build.h"

#include "cli/program.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 512 };

static void step(struct dev_build *b, enum rebuild_event event);

/* ---- words ---- */

static double seconds_since(uint64_t then_ns)
{
    return (double)(clock_now_ns() - then_ns) / 1e9;
}

static const char *line_of(const struct dev_command *c, char line[LINE_BYTES])
{
    size_t used = 0;
    line[0] = '\0';
    for (size_t i = 0; c->words[i] && used < LINE_BYTES; i++)
        used += (size_t)snprintf(line + used, LINE_BYTES - used, "%s%s", i > 0 ? " " : "", c->words[i]);
    return line;
}

static void show(const struct dev_run *r)
{
    fwrite(r->said, 1, r->said_len, stderr);
    if (r->said_len > 0 && r->said[r->said_len - 1] != '\n')
        fputc('\n', stderr);
    if (r->unsaid > 0)
        fprintf(stderr, "… and %zu bytes more\n", r->unsaid);
}

static bool has_warning(const struct dev_run *r)
{
    static const char word[] = "warning";
    for (size_t i = 0; i + sizeof word - 1 <= r->said_len; i++) {
        if (strncasecmp(r->said + i, word, sizeof word - 1) == 0)
            return true;
    }
    return false;
}

static void say_failed(const struct dev_build *b)
{
    char how[64];
    int status = b->run.status;
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "SIG%s", sigabbrev_np(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "exit code %d", WEXITSTATUS(status));
    log_error("the build failed after %.1f s (%s: %s): what was deployed stays; it is built again when a "
              "source is saved",
              seconds_since(b->started_ns), dev_recipe_program(&b->recipe), how);
}

static const char *why_not_started(int error)
{
    return error == -ENOSPC ? "too much is watched: raise fs.epoll.max_user_watches" : strerror(-error);
}

/* ---- a build ---- */

static void run(struct dev_build *b, bool configures);

/* The second of two commands begins where the first succeeded. */
static void on_ended(void *user)
{
    struct dev_build *b = user;
    bool good = WIFEXITED(b->run.status) && WEXITSTATUS(b->run.status) == 0;
    if (!good || has_warning(&b->run))
        show(&b->run);
    if (good && b->configures) {
        run(b, false);
        return;
    }
    if (good)
        log_info("built in %.1f s", seconds_since(b->started_ns));
    else
        say_failed(b);
    step(b, REBUILD_ENDED);
}

static void run(struct dev_build *b, bool configures)
{
    char line[LINE_BYTES];
    b->configures = configures;
    struct dev_command command =
        configures ? dev_recipe_configure(&b->recipe) : dev_recipe_build(&b->recipe, b->jobs);
    log_info("building: %s", line_of(&command, line));
    int error = dev_run_start(&b->run, b->loop, &command, on_ended, b);
    if (error == 0)
        return;
    log_error("%s cannot be started: %s", command.words[0], why_not_started(error));
    b->state = REBUILD_RESTS; /* the next save tries it again */
}

static void step(struct dev_build *b, enum rebuild_event event)
{
    if (!rebuild_step(&b->state, event))
        return;
    b->started_ns = clock_now_ns();
    run(b, dev_recipe_must_configure(&b->recipe));
}

static void on_changed(void *user)
{
    step(user, REBUILD_CHANGED);
}

/* ---- all of it ---- */

static bool has_program(const struct dev_recipe *r)
{
    const char *name = dev_recipe_program(r);
    char *path = program_find(name);
    if (!path)
        log_warn("%s has a %s, and there is no %s on PATH to build it: install it (Debian: apt install %s), "
                 "or give "
                 "--no-build",
                 r->folder, dev_recipe_file(r), name, name);
    free(path);
    return path != NULL;
}

bool dev_build_start(struct dev_build *b, uv_loop_t *loop, const char *folder)
{
    *b = (struct dev_build){.loop = loop};
    dev_recipe_find(folder, &b->recipe);
    if (b->recipe.kind == RECIPE_NONE || !has_program(&b->recipe))
        return false;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(b->jobs, sizeof b->jobs, "%ld", cores < 1 ? 1 : cores > 999 ? 999 : cores);
    if (!dev_tree_open(&b->tree, loop, b->recipe.folder, b->recipe.output, on_changed, b))
        log_error("out of memory: sources are not watched");
    step(b, REBUILD_CHANGED);
    return true;
}

bool dev_build_is_busy(const struct dev_build *b)
{
    return b->state == REBUILD_RUNS || b->state == REBUILD_IS_STALE;
}

const char *dev_build_output(const struct dev_build *b)
{
    return b->recipe.output;
}

void dev_build_finish(struct dev_build *b)
{
    if (rebuild_step(&b->state, REBUILD_STOPPED))
        return;
    dev_tree_close(&b->tree);
    if (b->run.loop)
        dev_run_finish(&b->run);
    dev_recipe_finish(&b->recipe);
}

void dev_build_kill(const struct dev_build *b)
{
    dev_run_kill(&b->run);
}

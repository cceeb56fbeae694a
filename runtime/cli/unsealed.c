#include "cli/unsealed.h"

#include "cli/program.h"
#include "shared/clock.h"
#include "shared/installed.h"
#include "shared/log.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64, VALGRIND_FOUND = 99 };

static const uint64_t NO_TIMEOUT_NS = 365 * 24 * 3600 * NS_PER_S;

bool unsealed_is_wanted(const struct options *o)
{
    return o->given & OPTIONS_UNSEALED;
}

/* ---- may it be? ---- */

static int refuse(const char *text)
{
    log_error("%s: see 'hark invoke --help'", text);
    return EX_USAGE;
}

static int check_gdb(const struct options *o)
{
    if (o->payload_file && strcmp(o->payload_file, "-") == 0)
        return refuse("--gdb has standard input: give the payload in a file");
    return 0;
}

static int check_options(const struct options *o, const struct revision *r)
{
    if (o->gdb + o->valgrind + o->unsealed > 1)
        return refuse("--gdb, --valgrind and --unsealed: one of them at a time");
    if (o->given & OPTIONS_SEAL)
        return refuse("--user and --insecure are about the seal, and here there is none");
    if (o->stats && !o->unsealed)
        return refuse("--stats would measure the tool and not the function");
    if (r->script)
        return refuse(
            "a script has no machine code to look into: try it without --gdb, --valgrind, --unsealed");
    return o->gdb ? check_gdb(o) : 0;
}

static void read_facts(struct unsealed *u)
{
    off_t len = lseek(u->revision->handler_fd, 0, SEEK_END);
    void *data =
        len > 0 ? mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, u->revision->handler_fd, 0) : MAP_FAILED;
    if (data == MAP_FAILED)
        return;
    elf_facts_read(data, (size_t)len, &u->facts);
    munmap(data, (size_t)len);
}

static int check_sanitizer(const struct unsealed *u)
{
    const struct options *o = u->options;
    const char *path = u->revision->handler_path, *runtime = u->facts.sanitizer;
    if (!*runtime || o->gdb || o->unsealed)
        return 0;
    if (o->valgrind)
        log_error("%s is built with a sanitizer (%s), which does not work in valgrind: use --unsealed", path,
                  runtime);
    else
        log_error("%s is built with a sanitizer (%s), which cannot work under the seal: try it with `hark "
                  "invoke --unsealed`, and deploy one that is built without -fsanitize",
                  path, runtime);
    return EX_DATAERR;
}

/* ---- what runs ---- */

static int find_tool(struct unsealed *u)
{
    const char *name = u->options->gdb ? "gdb" : u->options->valgrind ? "valgrind" : NULL;
    u->tool = name ? program_find(name) : NULL;
    if (!name || u->tool)
        return 0;
    log_error("there is no %s on PATH: install it (Debian: apt install %s)", name, name);
    return EX_UNAVAILABLE;
}

static int find_program(struct unsealed *u)
{
    u->program = installed_path("hark-unsealed");
    if (u->program && access(u->program, X_OK) == 0)
        return 0;
    log_error("%s cannot be run: install hark anew", u->program ? u->program : "hark-unsealed");
    return EX_SOFTWARE;
}

static void say(const struct unsealed *u)
{
    const char *tool = u->options->gdb ? " in gdb" : u->options->valgrind ? " in valgrind" : "";
    log_warn("%s runs%s unsealed: it may do all that you may%s", u->revision->manifest->function, tool,
             *tool ? ", and has no timeout" : "");
    if (u->options->gdb && !*u->facts.handle)
        log_warn("%s has no symbols, so there is no breakpoint at its handler: build it with -g",
                 u->revision->handler_path);
}

int unsealed_init(struct unsealed *u, const struct options *o, struct revision *r)
{
    *u = (struct unsealed){.options = o, .revision = r};
    int code = unsealed_is_wanted(o) ? check_options(o, r) : 0;
    read_facts(u);
    if (code == 0)
        code = check_sanitizer(u);
    if (code == 0 && unsealed_is_wanted(o))
        code = find_tool(u);
    if (code == 0 && unsealed_is_wanted(o))
        code = find_program(u);
    if (code != 0 || !unsealed_is_wanted(o))
        return code;
    if (u->tool)
        r->manifest->timeout_ns = NO_TIMEOUT_NS;
    say(u);
    return 0;
}

/* ---- its command line ---- */

/* The runtime of a sanitizer has to be the first of all libraries: the path of it, where the .so has it in a
 * place of its own, else its name, which the loader looks for. */
static const char *preloaded(const struct unsealed *u, char path[ELF_NAME_MAX * 2 + 2])
{
    const char *at = u->facts.runpath;
    while (*at) {
        size_t len = strcspn(at, ":");
        snprintf(path, ELF_NAME_MAX * 2 + 2, "%.*s/%s", (int)len, at, u->facts.sanitizer);
        if (len > 0 && access(path, R_OK) == 0)
            return path;
        at += len + (at[len] == ':');
    }
    return u->facts.sanitizer;
}

struct arguments {
    char *list[ARGUMENTS_MAX + 1];
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void add(struct arguments *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (a->count < ARGUMENTS_MAX && vasprintf(&a->list[a->count], format, args) >= 0)
        a->count++;
    a->list[a->count] = NULL;
    va_end(args);
}

static void add_command(struct arguments *a, const char *command)
{
    add(a, "-ex");
    add(a, "%s", command);
}

/* Without a shell: whose it is, and what it reads, is nobody's business. Under a debugger leaks cannot be
 * looked for. */
static void add_gdb(const struct unsealed *u, struct arguments *a)
{
    char path[ELF_NAME_MAX * 2 + 2], line[sizeof path + 64];
    add(a, "-q");
    add_command(a, "set startup-with-shell off");
    add_command(a, "set breakpoint pending on");
    if (*u->facts.sanitizer) {
        snprintf(line, sizeof line, "set environment LD_PRELOAD=%s", preloaded(u, path));
        add_command(a, line);
    }
    if (*u->facts.handle) {
        snprintf(line, sizeof line, "break %s", u->facts.handle);
        add_command(a, line);
    }
    add_command(a, "run");
}

static void add_valgrind(struct arguments *a)
{
    add(a, "-q");
    add(a, "--error-exitcode=%d", VALGRIND_FOUND);
    add(a, "--leak-check=full");
    add(a, "--show-leak-kinds=definite");
    add(a, "--errors-for-leak-kinds=definite");
}

static void make_arguments(const struct unsealed *u, struct arguments *a)
{
    const struct options *o = u->options;
    *a = (struct arguments){0};
    if (u->tool)
        add(a, "%s", u->tool);
    if (o->gdb)
        add_gdb(u, a);
    else if (o->valgrind)
        add_valgrind(a);
    for (size_t i = 1; i < o->argument_count; i++)
        add(a, "%s", o->arguments[i]);
    add(a, "%s", u->program);
}

static void arguments_finish(struct arguments *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->list[i]);
}

/* What a person says of a sanitizer comes behind what we say, and wins. */
static void set_variables(const struct unsealed *u)
{
    static const char *const names[] = {"UBSAN_OPTIONS", "ASAN_OPTIONS"};
    const char *const ours[] = {"halt_on_error=1:print_stacktrace=1",
                                u->options->gdb ? "detect_leaks=0" : "detect_leaks=1"};
    char path[ELF_NAME_MAX * 2 + 2], value[1024];
    char *handler =
        realpath(u->revision->handler_path, NULL); /* else the loader looks for its name elsewhere */
    setenv(UNSEALED_HANDLER, handler ? handler : u->revision->handler_path, 1);
    free(handler);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *given = getenv(names[i]);
        snprintf(value, sizeof value, "%s:%s", ours[i], given ? given : "");
        setenv(names[i], value, 1);
    }
    if (*u->facts.sanitizer && !u->options->gdb)
        setenv("LD_PRELOAD", preloaded(u, path), 1);
}

/* ---- its life ---- */

/* A tool that found something says so by its exit status, once the worker has done all it was asked to. Of
 * gdb it says nothing: when that ends before, it has killed the worker. */
static int status_of(struct unsealed *u, int64_t status, int signal)
{
    enum { EXITED = 8 }; /* wait(2) has the exit status there */
    if (u->options->gdb) {
        u->cut_short = !u->stopping;
        return u->stopping ? 0 : SIGKILL;
    }
    u->found = u->stopping && signal == 0 && status != 0;
    return signal ? signal : u->found ? 0 : (int)status << EXITED;
}

static void on_gone(uv_process_t *process, int64_t status, int signal)
{
    struct unsealed *u = process->data;
    struct zygote_child *child = u->child;
    u->child = NULL;
    uv_close((uv_handle_t *)process, NULL);
    child->exited(child, status_of(u, status, signal));
}

static int spawn(struct unsealed *u, const int fds[ZYGOTE_FDS_MAX])
{
    struct arguments a;
    uv_stdio_container_t files[] = {
        {.flags = u->options->gdb ? UV_INHERIT_FD : UV_IGNORE, .data.fd = STDIN_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [UNSEALED_CHANNEL_FD] = {.flags = UV_INHERIT_FD, .data.fd = fds[ZYGOTE_FD_CHANNEL]},
        [UNSEALED_RECORDER_FD] = {.flags = UV_INHERIT_FD, .data.fd = fds[ZYGOTE_FD_RECORDER]}};
    make_arguments(u, &a);
    uv_process_options_t options = {.file = a.list[0],
                                    .args = a.list,
                                    .exit_cb = on_gone,
                                    .stdio = files,
                                    .stdio_count = sizeof files / sizeof *files};
    int error = uv_spawn(u->loop, &u->process, &options);
    u->process.data = u;
    arguments_finish(&a);
    if (error)
        uv_close((uv_handle_t *)&u->process, NULL);
    return error;
}

static int bear(void *user, struct zygote_child *child, const int fds[ZYGOTE_FDS_MAX],
                const struct revision *revision)
{
    struct unsealed *u = user;
    (void)revision;
    int error = u->child ? -EBUSY : spawn(u, fds);
    for (int i = 0; i < ZYGOTE_FDS_MAX; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    if (error)
        return error;
    child->id = 1;
    u->child = child;
    child->started(child, u->process.pid);
    return 0;
}

/* gdb is ended by the person in front of it. */
static void kill_worker(void *user, struct zygote_child *child)
{
    struct unsealed *u = user;
    if (u->child == child && !u->options->gdb)
        uv_process_kill(&u->process, SIGKILL);
}

/* Ctrl-C is for gdb; a child does not inherit that. It may die and leave the terminal to a worker that is no
 * more, or in a mode of its own. */
static void lend_terminal(struct unsealed *u)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    u->has_terminal = tcgetpgrp(STDIN_FILENO) == getpgrp() && tcgetattr(STDIN_FILENO, &u->terminal) == 0;
}

void unsealed_use(struct unsealed *u, uv_loop_t *loop, struct worker_io *io)
{
    static const struct worker_births births = {bear, kill_worker};
    u->loop = loop;
    set_variables(u);
    if (u->options->gdb)
        lend_terminal(u);
    worker_io_use_births(io, &births, u);
}

void unsealed_finish(struct unsealed *u)
{
    if (u->has_terminal) {
        signal(SIGTTOU, SIG_IGN); /* that of who is not in the foreground and changes that */
        (void)tcsetpgrp(STDIN_FILENO, getpgrp());
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &u->terminal);
    }
    free(u->tool);
    free(u->program);
}

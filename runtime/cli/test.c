/* test.c: `hark test`: cases of messages and what is expected of them, in real workers. */
#include "cli/case_judge.h"
#include "cli/case_run.h"
#include "cli/commands.h"
#include "cli/host.h"
#include "cli/test_files.h"
#include "cli/test_report.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { JOBS_MAX = 16 };

struct test {
    const struct options *options;
    struct test_files files;
    struct test_outcome *outcomes; /* owned; of all cases, in order */
    size_t count, started, reported, failed;
    bool *over; /* owned; of each outcome */
    struct host host;
    struct case_run *runs[JOBS_MAX]; /* NULL: free */
    size_t at[JOBS_MAX];             /* the outcome that the run is for */
    size_t job_count;
};

static void list_cases(struct test *t)
{
    for (size_t i = 0; i < t->files.count; i++)
        t->count += t->files.items[i]->count;
    t->outcomes = must_alloc((t->count + 1) * sizeof *t->outcomes);
    t->over = must_alloc((t->count + 1) * sizeof *t->over);
    size_t n = 0;
    for (size_t i = 0; i < t->files.count; i++) {
        const struct case_file *f = t->files.items[i];
        for (size_t c = 0; c < f->count; c++) {
            t->over[n] = false;
            t->outcomes[n++] = (struct test_outcome){.file = f, .test = &f->cases[c]};
        }
    }
}

/* Those that are over, up to the first that is not. */
static void report(struct test *t)
{
    for (; t->reported < t->count && t->over[t->reported]; t->reported++) {
        const struct test_outcome *o = &t->outcomes[t->reported];
        test_report_case(o, t->reported == 0 || o[-1].file != o->file);
        t->failed += o->failure != NULL;
    }
}

static void start(struct test *t, size_t job)
{
    struct test_outcome *o = &t->outcomes[t->started];
    t->at[job] = t->started++;
    t->runs[job] = must_alloc(sizeof *t->runs[job]);
    case_run_start(t->runs[job], o->file, o->test, t->host.io, t->options->functions);
}

static void reap(struct test *t, size_t job)
{
    struct case_run *run = t->runs[job];
    struct test_outcome *o = &t->outcomes[t->at[job]];
    o->failure = case_judge(run);
    o->took_ns = run->took_ns;
    t->over[t->at[job]] = true;
    case_run_finish(run);
    free(run);
    t->runs[job] = NULL;
}

/* Returns whether something runs. */
static bool go_on(struct test *t)
{
    bool busy = false;
    for (size_t job = 0; job < t->job_count; job++) {
        if (t->runs[job] && case_run_is_over(t->runs[job]))
            reap(t, job);
        if (!t->runs[job] && t->started < t->count)
            start(t, job);
        busy |= t->runs[job] != NULL;
    }
    report(t);
    return busy;
}

/* A case that could not even begin is over without a turn of the loop. */
static bool is_any_over(const struct test *t)
{
    for (size_t job = 0; job < t->job_count; job++) {
        if (t->runs[job] && case_run_is_over(t->runs[job]))
            return true;
    }
    return false;
}

static int run_cases(struct test *t)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    t->job_count = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (size_t)cores;
    uint64_t began_ns = clock_now_ns();
    int code = host_init(&t->host, t->options);
    if (code != 0)
        return code;
    code = host_needs_workers(&t->host);
    while (code == 0 && go_on(t)) {
        if (!is_any_over(t))
            uv_run(&t->host.loop, UV_RUN_ONCE);
    }
    host_finish(&t->host);
    if (code == 0)
        test_report_end(t->count - t->failed, t->failed, clock_now_ns() - began_ns);
    return code;
}

static int write_junit(const struct test *t)
{
    if (!t->options->junit)
        return 0;
    int error = test_report_junit(t->options->junit, t->outcomes, t->count);
    if (error < 0)
        log_error("%s: cannot be written: %s", t->options->junit, strerror(-error));
    return error < 0 ? EX_SOFTWARE : 0;
}

static int find_files(struct test *t, const struct options *o)
{
    int code = o->argument_count == 0 ? test_files_add(&t->files, ".") : 0;
    for (size_t i = 0; i < o->argument_count && code == 0; i++)
        code = test_files_add(&t->files, o->arguments[i]);
    if (code == 0 && t->files.count == 0 && !t->files.bad) {
        log_error("no test cases found: they are in files named *.test.yaml, see 'hark test --help'");
        return EX_DATAERR;
    }
    return code;
}

static int run(struct options *o)
{
    struct test t = {.options = o};
    int code = find_files(&t, o);
    list_cases(&t);
    if (code == 0 && t.count > 0)
        code = run_cases(&t);
    if (code == 0)
        code = write_junit(&t);
    for (size_t i = 0; i < t.count; i++)
        free(t.outcomes[i].failure);
    free(t.outcomes);
    free(t.over);
    test_files_finish(&t.files);
    if (code == 0 && t.files.bad)
        return EX_DATAERR;
    return code != 0 ? code : t.failed > 0;
}

const struct command command_test = {
    .name = "test",
    .arguments = "[FILE or DIR]...",
    .summary = "run test cases of functions: messages, and what is expected of them",
    .help =
        "Runs the cases of each FILE, or of all *.test.yaml in DIR (the current folder) and the folders in\n"
        "it, in workers as 'hark run' would, several at once. NAME.test.yaml is about NAME.yaml beside it,\n"
        "unless it says so: docs/functions.md has the keys. What is wrong stands below the case.\n\n"
        "Exit codes: 0 all passed, 1 some failed, 64 usage, 65 a file that cannot be read, or no cases,\n"
        "70 internal, 77 not permitted.\n",
    .examples = "All cases of a folder, with results for a CI:\n"
                "  hark test --junit results.xml functions\n",
    .takes = OPTION_FUNCTIONS | OPTION_JUNIT | OPTIONS_SEAL | OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = SIZE_MAX,
    .run = run,
};

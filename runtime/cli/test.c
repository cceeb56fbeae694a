/* test.c: `hark test`: cases of messages and what is expected of them, in real workers. */
#include "cli/commands.h"
#include "cli/test_files.h"
#include "cli/test_jobs.h"
#include "cli/test_report.h"
#include "cli/test_tap.h"
#include "cli/test_update.h"
#include "cli/test_watch.h"
#include "cli/unwritable.h"
#include "shared/check.h"
#include "shared/clock.h"
#include "shared/log.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct test {
    const struct options *options;
    struct test_paths paths;
    struct test_files files;
    struct test_outcome *outcomes; /* owned; of all cases, in order */
    size_t count;
    size_t points; /* of TAP, so far */
    bool ran;      /* the outcomes are there */
};

static void on_over(void *user, const struct test_outcome *o)
{
    struct test *t = user;
    if (t->options->tap)
        test_tap_case(++t->points, o);
    else
        test_report_case(o);
}

static void begin(struct test *t)
{
    if (!t->options->tap)
        return;
    test_tap_begin(t->count + t->files.bad_count);
    for (size_t i = 0; i < t->files.bad_count; i++)
        test_tap_unreadable(++t->points, t->files.bad[i]);
}

/* What becomes of each is known when the last has run. */
static int run_and_update(struct test *t, const struct test_jobs *jobs)
{
    struct test_jobs all = *jobs;
    all.over = NULL;
    all.keeps_runs = true;
    CHECK(test_jobs_run(&all, t->outcomes, t->count)); /* nothing stops it */
    int code = test_update(&all, t->outcomes, t->count);
    for (size_t i = 0; i < t->count; i++)
        on_over(t, &t->outcomes[i]);
    return code;
}

static int run_cases(struct test *t)
{
    struct host host;
    uint64_t began_ns = clock_now_ns();
    int code = host_init(&host, t->options);
    if (code != 0)
        return code;
    const struct test_jobs jobs = {
        .host = &host, .functions = t->options->functions, .over = on_over, .user = t};
    code = host_needs_workers(&host);
    t->ran = code == 0;
    if (t->ran && t->options->update)
        code = run_and_update(t, &jobs);
    else if (t->ran)
        test_jobs_run(&jobs, t->outcomes, t->count);
    host_finish(&host);
    if (t->ran && !t->options->tap)
        test_report_end(test_totals_of(t->outcomes, t->count), clock_now_ns() - began_ns);
    return code;
}

static int write_junit(const struct test *t)
{
    if (!t->options->junit)
        return 0;
    int error = test_report_junit(t->options->junit, t->outcomes, t->count, &t->files);
    if (error < 0)
        log_error("%s: cannot be written: %s", t->options->junit, strerror(-error));
    return error < 0 ? exit_code_of_unwritable(error) : 0;
}

static int find_files(struct test *t, const struct options *o)
{
    int code = o->argument_count == 0 ? test_paths_find(&t->paths, ".") : 0;
    for (size_t i = 0; i < o->argument_count && code == 0; i++)
        code = test_paths_find(&t->paths, o->arguments[i]);
    if (code == 0 && t->paths.count == 0 && t->paths.code == 0) {
        log_error("no test cases found: they are in files named *.test.yaml, see 'hark test --help'");
        code = EX_DATAERR;
    }
    for (size_t i = 0; i < t->paths.count && code == 0; i++)
        test_files_read(&t->files, t->paths.items[i].path);
    return code;
}

static int run_all(struct test *t, const struct options *o)
{
    int code = find_files(t, o);
    if (code != 0)
        return code;
    t->outcomes = test_outcomes_of(t->files.items, t->files.count, &t->count);
    begin(t);
    if (t->count > 0)
        code = run_cases(t);
    int junit_code = t->ran || t->count == 0 ? write_junit(t) : 0;
    code = code == 0 ? junit_code : code;
    if (code == 0)
        code = t->files.code ? t->files.code : t->paths.code;
    return code != 0 ? code : test_totals_of(t->outcomes, t->count).failed > 0;
}

/* There is no end of the results under --watch, and a file that it writes would be its own change. */
static int watch(const struct options *o)
{
    const char *other = o->update ? "update" : o->tap ? "tap" : o->junit ? "junit" : NULL;
    if (!other)
        return test_watch(o);
    log_error("--watch and --%s do not go together: see 'hark test --help'", other);
    return EX_USAGE;
}

static int run(struct options *o)
{
    struct test t = {.options = o};
    if (o->watch)
        return watch(o);
    int code = run_all(&t, o);
    if (code > 1 && o->tap && t.points == t.files.bad_count)
        test_tap_bail_out("no case could be run, standard error says why");
    test_jobs_drop(t.outcomes, t.count);
    free(t.outcomes);
    test_files_finish(&t.files);
    test_paths_finish(&t.paths);
    return code;
}

const struct command command_test = {
    .name = "test",
    .arguments = "[FILE or DIR]...",
    .summary = "run test cases of functions: messages, and what is expected of them",
    .help =
        "Runs the cases of each FILE, or of all *.test.yaml in DIR (the current folder) and the folders in\n"
        "it, in workers as 'hark run' would, several at once. NAME.test.yaml is about NAME.yaml beside it,\n"
        "unless it says so: hark-test(5) has the keys. What is wrong stands below the case.\n\n"
        "--update changes only what did not match, and cases without 'expect'; comments and order stay. A "
        "case\n"
        "is recorded if it passes a second run; what differs each time is not.\n\n"
        "--watch runs again what a change of test cases, manifest, handler or script is about, and looks "
        "for\n"
        "new test cases; with 0 it ends when it is interrupted (Ctrl-C, SIGTERM).\n\n"
        "Exit codes: 0 all passed or recorded, 1 some failed, 64 usage, 65 a bad file, or no cases,\n"
        "70 internal, 77 not permitted, or a file or folder that may not be read.\n",
    .examples = "All cases of a folder, with results for a CI:\n"
                "  hark test --junit results.xml functions\n\n"
                "The same for what reads TAP:\n"
                "  prove -e 'hark test --tap' functions/thermostat.test.yaml\n\n"
                "What the function does now is right:\n"
                "  hark test --update thermostat.test.yaml && git diff\n",
    .takes = OPTION_FUNCTIONS | OPTION_JUNIT | OPTION_TAP | OPTION_UPDATE | OPTION_WATCH | OPTIONS_SEAL |
             OPTION_VERBOSE | OPTION_HELP,
    .arguments_max = SIZE_MAX,
    .run = run,
};

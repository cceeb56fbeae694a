#include "cli/test_jobs.h"

#include "cli/case_judge.h"
#include "shared/check.h"

#include <stdlib.h>
#include <unistd.h>

enum { JOBS_MAX = 16 };

struct test_outcome *test_outcomes_of(struct case_file *const *files, size_t file_count, size_t *ret_count)
{
    size_t count = 0, n = 0;
    for (size_t i = 0; i < file_count; i++)
        count += files[i]->count;
    struct test_outcome *outcomes = calloc(count + 1, sizeof *outcomes);
    CHECK(outcomes);
    for (size_t i = 0; i < file_count; i++) {
        for (size_t c = 0; c < files[i]->count; c++)
            outcomes[n++] = (struct test_outcome){.file = files[i], .test = &files[i]->cases[c]};
    }
    *ret_count = count;
    return outcomes;
}

struct round {
    const struct test_jobs *jobs;
    struct test_outcome *outcomes;
    size_t count, started, told;
    struct test_outcome *at[JOBS_MAX]; /* whose run is on; NULL: free */
    size_t job_count;
};

/* Those that are over, up to the first that is not. */
static void tell(struct round *r)
{
    for (; r->told < r->count && r->outcomes[r->told].is_over; r->told++) {
        if (r->jobs->over)
            r->jobs->over(r->jobs->user, &r->outcomes[r->told]);
    }
}

static void start(struct round *r, size_t job)
{
    struct test_outcome *o = &r->outcomes[r->started++];
    r->at[job] = o;
    o->run = must_alloc(sizeof *o->run);
    case_run_start(o->run, o->file, o->test, r->jobs->host->io, r->jobs->functions);
}

static void drop_run(struct test_outcome *o)
{
    case_run_finish(o->run);
    free(o->run);
    o->run = NULL;
}

static void reap(struct round *r, size_t job)
{
    struct test_outcome *o = r->at[job];
    o->failure = case_judge(o->run);
    o->took_ns = o->run->took_ns;
    o->is_over = !o->run->cancelled;
    r->at[job] = NULL;
    if (r->jobs->keeps_runs && (o->failure || !o->test->expects))
        case_run_rest(o->run);
    else
        drop_run(o);
}

static bool is_stopping(const struct round *r)
{
    return r->jobs->stops && *r->jobs->stops;
}

/* Returns whether something runs. */
static bool go_on(struct round *r)
{
    bool busy = false;
    for (size_t job = 0; job < r->job_count; job++) {
        if (r->at[job] && is_stopping(r))
            case_run_cancel(r->at[job]->run);
        if (r->at[job] && case_run_is_over(r->at[job]->run))
            reap(r, job);
        if (!r->at[job] && r->started < r->count && !is_stopping(r))
            start(r, job);
        busy |= r->at[job] != NULL;
    }
    tell(r);
    return busy;
}

/* A case that could not even begin is over without a turn of the loop. */
static bool is_any_over(const struct round *r)
{
    for (size_t job = 0; job < r->job_count; job++) {
        if (r->at[job] && case_run_is_over(r->at[job]->run))
            return true;
    }
    return false;
}

bool test_jobs_run(const struct test_jobs *jobs, struct test_outcome *outcomes, size_t count)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct round r = {.jobs = jobs, .outcomes = outcomes, .count = count};
    r.job_count = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (size_t)cores;
    while (go_on(&r)) {
        if (!is_any_over(&r))
            uv_run(&jobs->host->loop, UV_RUN_ONCE);
    }
    return r.told == count;
}

void test_jobs_drop(struct test_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(outcomes[i].failure);
        if (outcomes[i].run)
            drop_run(&outcomes[i]);
    }
}

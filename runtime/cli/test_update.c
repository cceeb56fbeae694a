#include "cli/test_update.h"

#include "cli/case_update.h"
#include "cli/rewrite.h"
#include "cli/unwritable.h"
#include "shared/check.h"
#include "shared/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* One file. */
struct record {
    const struct test_jobs *jobs;
    const struct case_file *file;
    struct test_outcome *outcomes;   /* of its cases */
    struct case_happened **happened; /* owned, with what they point to; NULL: not to be recorded */
    struct case_updated updated;
};

static struct slice text_of(const struct case_file *f)
{
    return slice_make(f->text, f->text_len);
}

static void forget(struct record *r, size_t n)
{
    if (r->happened[n])
        case_outputs_finish(&r->happened[n]->outputs);
    free(r->happened[n]);
    r->happened[n] = NULL;
}

/* It stays as it was, and failed. */
static void refuse(struct record *r, size_t n, const char *why, const char *more)
{
    struct test_outcome *o = &r->outcomes[n];
    char *failure;
    CHECK(asprintf(&failure, "%snot recorded: %s\n%s", o->failure ? o->failure : "", why, more) >= 0);
    free(o->failure);
    o->failure = failure;
    forget(r, n);
}

static void refuse_all(struct record *r, const char *why)
{
    for (size_t n = 0; n < r->file->count; n++) {
        if (r->happened[n])
            refuse(r, n, why, "");
    }
}

static size_t left(const struct record *r)
{
    size_t count = 0;
    for (size_t n = 0; n < r->file->count; n++)
        count += r->happened[n] != NULL;
    return count;
}

/* What is to be recorded. */
static void begin(struct record *r)
{
    r->happened = calloc(r->file->count + 1, sizeof(void *));
    CHECK(r->happened);
    for (size_t n = 0; n < r->file->count; n++) {
        const struct test_outcome *o = &r->outcomes[n];
        const char *why = o->run ? case_update_refuses(o->run) : NULL;
        if (why) {
            refuse(r, n, why, "");
        } else if (o->run) {
            r->happened[n] = must_alloc(sizeof *r->happened[n]);
            *r->happened[n] = case_happened_in(o->run);
        }
    }
}

/* Makes the new text of all that is left. */
static void write_text(struct record *r)
{
    case_updated_finish(&r->updated);
    r->updated = (struct case_updated){0};
    if (left(r) > 0 && case_update(r->file, text_of(r->file), r->happened, &r->updated) < 0)
        refuse_all(r, "it cannot be written between what stands there, write it by hand");
    for (size_t n = 0; n < r->file->count && r->updated.changes; n++) {
        if (r->happened[n] && !r->updated.changes[n])
            refuse(r, n, "'within' is a person's to change", "");
    }
}

/* The cases that are left, as they are in f, once more: those that fail are refused. */
static void run_again(struct record *r, const struct case_file *f)
{
    struct test_outcome *again = calloc(left(r) + 1, sizeof *again);
    size_t count = 0, at = 0;
    CHECK(again);
    for (size_t n = 0; n < f->count; n++) {
        if (r->happened[n])
            again[count++] = (struct test_outcome){.file = f, .test = &f->cases[n]};
    }
    const struct test_jobs jobs = {.host = r->jobs->host, .functions = r->jobs->functions};
    CHECK(test_jobs_run(&jobs, again, count));
    for (size_t n = 0; n < f->count; n++) {
        const struct test_outcome *o = r->happened[n] ? &again[at++] : NULL;
        if (o && o->failure)
            refuse(r, n, "in a second run it was otherwise:", o->failure);
    }
    test_jobs_drop(again, count);
    free(again);
}

/* Does the new text hold? Else its cases are refused. */
static void prove(struct record *r)
{
    struct case_file *f = NULL;
    struct diags diags = {0};
    char why[DIAG_FORMATTED_MAX + 64];
    int error = case_file_parse(r->file->path, slice_make(r->updated.text, r->updated.len), &f, &diags);
    if (error == 0) {
        run_again(r, f);
    } else {
        snprintf(why, sizeof why, "what happened is more than a file holds: %s",
                 diags.count > 0 ? diags.items[0].text : strerror(-error));
        refuse_all(r, why);
    }
    case_file_free(f);
    diags_finish(&diags);
}

static int store(struct record *r)
{
    int error = rewrite_file(r->file->path, text_of(r->file), slice_make(r->updated.text, r->updated.len));
    if (error == -EBUSY)
        log_error("%s: was changed while its cases ran: run hark test --update again", r->file->path);
    else if (error < 0)
        log_error("%s: cannot be written: %s", r->file->path, strerror(-error));
    if (error < 0) {
        refuse_all(r, "its file could not be written");
        return exit_code_of_unwritable(error);
    }
    for (size_t n = 0; n < r->file->count; n++) {
        struct test_outcome *o = &r->outcomes[n];
        o->is_recorded = r->happened[n] != NULL;
        if (o->is_recorded && !o->failure)
            o->failure = must_strdup("expect: is new\n");
    }
    return 0;
}

static int record_file(struct record *r)
{
    int code = 0;
    begin(r);
    write_text(r);
    size_t before = left(r);
    if (before > 0)
        prove(r);
    if (left(r) < before)
        write_text(r);
    if (left(r) > 0)
        code = store(r);
    for (size_t n = 0; n < r->file->count; n++)
        forget(r, n);
    free(r->happened);
    case_updated_finish(&r->updated);
    return code;
}

int test_update(const struct test_jobs *jobs, struct test_outcome *outcomes, size_t count)
{
    int code = 0;
    for (size_t i = 0; i < count; i += outcomes[i].file->count) {
        struct record r = {.jobs = jobs, .file = outcomes[i].file, .outcomes = &outcomes[i]};
        int its_code = record_file(&r);
        code = code == 0 ? its_code : code;
    }
    return code;
}
